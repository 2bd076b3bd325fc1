"""Which tokens a service believes, and how often it asks for the keys."""

from __future__ import annotations

import asyncio
import base64
import json
import time
from dataclasses import dataclass, field

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from jwt.algorithms import OKPAlgorithm

from meshkit import auth
from meshkit.errors import PermissionDenied, Unauthenticated, Unavailable
from meshkit.ids import new_id

IN_2100 = 4_102_444_800


@dataclass
class Issuer:
    """Signs as identity does, and counts who asks for its keys."""

    keys: dict[str, Ed25519PrivateKey] = field(default_factory=lambda: {"first": Ed25519PrivateKey.generate()})
    asked: int = 0
    down: bool = False

    async def jwks(self) -> str:
        self.asked += 1
        await asyncio.sleep(0)
        if self.down:
            raise Unavailable("identity_unavailable")
        public = {kid: OKPAlgorithm.to_jwk(key.public_key(), as_dict=True) for kid, key in self.keys.items()}
        return json.dumps({"keys": [jwk | {"kid": kid} for kid, jwk in public.items()]})

    def sign(self, kid: str = "first", *, without: str = "", **claims: object) -> str:
        now = int(time.time())
        usual = {"iss": "reelmesh", "aud": "reelmesh", "sub": "me", "tid": "we", "iat": now, "exp": now + 60}
        said = {name: value for name, value in (usual | {"scope": "a b"} | claims).items() if name != without}
        return jwt.encode(said, self.keys[kid], algorithm="EdDSA", headers={"kid": kid})


@pytest.fixture
def issuer() -> Issuer:
    return Issuer()


@pytest.fixture
def verifier(issuer: Issuer) -> auth.Verifier:
    return auth.Verifier(issuer.jwks)


def aged(verifier: auth.Verifier, seconds: float) -> None:
    """As if the keys had been fetched that much earlier."""
    verifier._fetched -= seconds


async def test_a_good_token_says_who_calls(issuer: Issuer, verifier: auth.Verifier) -> None:
    token = issuer.sign()
    assert await verifier.access(token) == auth.Caller(
        tenant_id="we", subject="me", scopes=frozenset({"a", "b"}), token=token
    )


async def test_a_token_without_scopes_may_nothing(issuer: Issuer, verifier: auth.Verifier) -> None:
    assert (await verifier.access(issuer.sign(scope=""))).scopes == frozenset()


async def test_a_playback_token_says_what_plays(issuer: Issuer, verifier: auth.Verifier) -> None:
    assert await verifier.playback(issuer.sign(aud="reelmesh-playback", sub="this", tid="us")) == ("this", "us")


@pytest.mark.parametrize(
    "claims",
    [
        {"aud": "reelmesh-playback"},
        {"aud": "somebody"},
        {"iss": "somebody"},
        {"iat": IN_2100},
        {"nbf": IN_2100},
        *[{"without": name} for name in ("iss", "aud", "sub", "iat", "exp")],
    ],
    ids=str,
)
async def test_a_token_that_is_not_meant_for_us_is_refused(
    issuer: Issuer, verifier: auth.Verifier, claims: dict[str, object]
) -> None:
    with pytest.raises(Unauthenticated, match="invalid_token"):
        await verifier.access(issuer.sign(**claims))  # type: ignore[arg-type]


async def test_an_expired_token_says_so_after_a_moment_of_grace(issuer: Issuer, verifier: auth.Verifier) -> None:
    await verifier.access(issuer.sign(exp=time.time() - 2))
    with pytest.raises(Unauthenticated, match="token_expired"):
        await verifier.access(issuer.sign(exp=time.time() - 6))


@pytest.mark.parametrize("segment", [0, 1, 2])
async def test_a_changed_token_is_refused(issuer: Issuer, verifier: auth.Verifier, segment: int) -> None:
    parts = [bytearray(base64.urlsafe_b64decode(part + "==")) for part in issuer.sign().split(".")]
    parts[segment][len(parts[segment]) // 2] ^= 1
    changed = ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts)
    with pytest.raises(Unauthenticated, match="invalid_token"):
        await verifier.access(changed)


async def test_only_our_algorithm_is_taken(issuer: Issuer, verifier: auth.Verifier) -> None:
    claims = jwt.decode(issuer.sign(), options={"verify_signature": False})
    public = json.loads(await issuer.jwks())["keys"][0]["x"]
    headers = {"kid": "first"}
    forged = [
        jwt.encode(claims, "", algorithm="none", headers=headers),
        jwt.encode(claims, public, algorithm="HS256", headers=headers),
        jwt.encode(claims, generate_private_key(SECP256R1()), algorithm="ES256", headers=headers),
        jwt.encode(claims, Ed25519PrivateKey.generate(), algorithm="EdDSA", headers=headers),
    ]
    for token in forged:
        with pytest.raises(Unauthenticated, match="invalid_token"):
            await verifier.access(token)


@pytest.mark.parametrize("token", ["", "x", "a.b.c", "..", "ä.ö.ü", "e30.e30.e30"])
async def test_what_is_no_token_is_refused_without_asking(issuer: Issuer, verifier: auth.Verifier, token: str) -> None:
    with pytest.raises(Unauthenticated, match="invalid_token"):
        await verifier.access(token)


async def test_keys_are_asked_for_once_however_many_wait(issuer: Issuer, verifier: auth.Verifier) -> None:
    await asyncio.gather(*[verifier.access(issuer.sign()) for _ in range(50)])
    await verifier.access(issuer.sign())
    assert issuer.asked == 1


async def test_keys_are_asked_for_again_after_five_minutes(issuer: Issuer, verifier: auth.Verifier) -> None:
    token = issuer.sign()
    await verifier.access(token)
    del issuer.keys["first"]
    issuer.keys["second"] = Ed25519PrivateKey.generate()
    await verifier.access(token)
    aged(verifier, 301)
    with pytest.raises(Unauthenticated, match="invalid_token"):
        await verifier.access(token)
    assert issuer.asked == 2


async def test_a_new_key_is_found_without_waiting_for_that(issuer: Issuer, verifier: auth.Verifier) -> None:
    await verifier.access(issuer.sign())
    issuer.keys["second"] = Ed25519PrivateKey.generate()
    aged(verifier, 6)
    await verifier.access(issuer.sign("second"))
    assert issuer.asked == 2


async def test_unknown_keys_are_not_asked_for_at_will(issuer: Issuer, verifier: auth.Verifier) -> None:
    stranger = Issuer(keys={"unknown": Ed25519PrivateKey.generate()})
    for _ in range(20):
        with pytest.raises(Unauthenticated, match="invalid_token"):
            await verifier.access(stranger.sign("unknown"))
    assert issuer.asked == 1


async def test_no_keys_to_be_had_is_nobodys_fault_and_passes(issuer: Issuer, verifier: auth.Verifier) -> None:
    issuer.down = True
    with pytest.raises(Unavailable, match="identity_unavailable"):
        await verifier.access(issuer.sign())
    issuer.down = False
    await verifier.access(issuer.sign())


async def test_while_identity_is_away_known_keys_are_good_for_an_hour(issuer: Issuer, verifier: auth.Verifier) -> None:
    await verifier.access(issuer.sign())
    issuer.down = True
    aged(verifier, 3000)
    for _ in range(3):
        await verifier.access(issuer.sign())
    assert issuer.asked == 2
    aged(verifier, 601)
    verifier._patience = 0.0
    with pytest.raises(Unavailable, match="identity_unavailable"):
        await verifier.access(issuer.sign())
    issuer.down = False
    await verifier.access(issuer.sign())


def test_a_caller_may_what_its_token_says() -> None:
    caller = auth.Caller(tenant_id=new_id(), subject=new_id(), scopes=frozenset({"a:read"}), token="")
    caller.may("a:read")
    with pytest.raises(PermissionDenied, match="missing_scope") as caught:
        caller.may("a:write")
    assert caught.value.metadata == {"scope": "a:write"}


async def test_a_task_serves_one_caller_and_its_neighbour_another() -> None:
    async def serve(tenant_id: str) -> str:
        with pytest.raises(Unauthenticated, match="unauthenticated"):
            auth.caller()
        auth.act_for(auth.Caller(tenant_id=tenant_id, subject="", scopes=frozenset(), token=""))
        await asyncio.sleep(0)
        return auth.caller().tenant_id

    assert [*await asyncio.gather(serve("one"), serve("two"))] == ["one", "two"]
