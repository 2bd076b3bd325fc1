"""Who gets which token for what, over fakes; tokens are judged as every other service judges them."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from meshkit import auth
from meshkit.errors import NotFound, Unauthenticated
from meshkit.ids import new_id
from services.identity.api_keys import ApiKeys
from services.identity.domain import Tenant
from services.identity.roles import SERVICE_SCOPES, TENANT_SCOPES
from services.identity.service import Identities
from services.identity.signing import Token, new_signing_key

if TYPE_CHECKING:
    from tests.fakes.identity import FakeStore
    from tests.unit.identity.conftest import Clock

KEY = "rmk_the-bootstrap-key-of-these-tests"
SERVICE_KEYS = {"gateway": "rmk_the-gateway's-key", "transcode-worker": "rmk_the-worker's-key"}


@pytest.fixture
async def identities(store: FakeStore, clock: Clock) -> Identities:
    made = Identities(store, clock)
    await made.prepare(KEY, SERVICE_KEYS)
    return made


@pytest.fixture
def verifier(identities: Identities) -> auth.Verifier:
    return auth.Verifier(identities.jwks)


async def exchange(identities: Identities, secret: str) -> Token:
    return await ApiKeys(identities._store, identities._now).exchange(secret)


def claims_of(token: str) -> dict[str, Any]:
    return jwt.decode(token, options={"verify_signature": False})


async def test_a_key_is_good_for_a_token_with_its_tenant_and_scopes(
    identities: Identities, verifier: auth.Verifier, store: FakeStore
) -> None:
    caller = await verifier.access((await exchange(identities, KEY)).text)
    [key] = [key for key in store.keys.values() if key.name == "bootstrap"]
    assert (caller.tenant_id, caller.subject) == (key.tenant_id, key.id)
    assert caller.scopes == TENANT_SCOPES
    assert (await identities.tenant(caller.tenant_id)).name == "default"


async def test_a_token_says_these_things_and_no_more(identities: Identities, clock: Clock) -> None:
    token = await exchange(identities, KEY)
    claims = claims_of(token.text)
    assert set(claims) == {"iss", "aud", "sub", "tid", "scope", "iat", "exp", "jti"}
    assert claims["exp"] - claims["iat"] == 600
    assert token.expire_time == datetime.fromtimestamp(claims["exp"], UTC) <= clock.now + timedelta(minutes=10)
    header = jwt.get_unverified_header(token.text)
    [public] = json.loads(await identities.jwks())["keys"]
    assert header == {"alg": "EdDSA", "typ": "JWT", "kid": public["kid"]}


async def test_no_two_tokens_are_the_same(identities: Identities) -> None:
    tokens = [await exchange(identities, KEY) for _ in range(3)]
    assert len({claims_of(token.text)["jti"] for token in tokens}) == 3


@pytest.mark.parametrize("secret", [KEY + "x", KEY[:-1], KEY.upper(), "", "bootstrap"])
async def test_an_unknown_key_is_good_for_nothing(identities: Identities, secret: str) -> None:
    with pytest.raises(Unauthenticated, match="invalid_api_key"):
        await exchange(identities, secret)


async def test_a_token_expires(identities: Identities, verifier: auth.Verifier, clock: Clock) -> None:
    clock.now -= timedelta(minutes=11)
    token = await exchange(identities, KEY)
    with pytest.raises(Unauthenticated, match="token_expired"):
        await verifier.access(token.text)


async def test_services_get_their_own_scopes_and_no_tenants(identities: Identities, verifier: auth.Verifier) -> None:
    for name, secret in SERVICE_KEYS.items():
        caller = await verifier.access((await exchange(identities, secret)).text)
        assert caller.scopes == SERVICE_SCOPES[name]
        assert (await identities.tenant(caller.tenant_id)).name == "system"


async def test_a_playback_token_plays_and_does_nothing_else(
    identities: Identities, verifier: auth.Verifier, clock: Clock
) -> None:
    playback, tenant = new_id(), new_id()
    token = await identities.sign_playback(tenant, playback, timedelta(hours=1))
    assert await verifier.playback(token.text) == (playback, tenant)
    assert clock.now - timedelta(seconds=1) <= token.expire_time - timedelta(hours=1) <= clock.now
    assert claims_of(token.text)["tid"] == tenant
    with pytest.raises(Unauthenticated, match="invalid_token"):
        await verifier.access(token.text)
    with pytest.raises(Unauthenticated, match="invalid_token"):
        await verifier.playback((await exchange(identities, KEY)).text)


async def test_a_playback_token_expires(identities: Identities, verifier: auth.Verifier, clock: Clock) -> None:
    clock.now -= timedelta(minutes=2)
    token = await identities.sign_playback(new_id(), new_id(), timedelta(minutes=1))
    with pytest.raises(Unauthenticated, match="token_expired"):
        await verifier.playback(token.text)


async def test_a_token_with_another_text_is_refused(identities: Identities, verifier: auth.Verifier) -> None:
    header, body, signature = (await exchange(identities, KEY)).text.split(".")
    claims = json.loads(base64.urlsafe_b64decode(body + "==")) | {"tid": new_id()}
    forged = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    with pytest.raises(Unauthenticated, match="invalid_token"):
        await verifier.access(f"{header}.{forged}.{signature}")


async def test_a_token_that_somebody_else_signed_is_refused(identities: Identities, verifier: auth.Verifier) -> None:
    ours = (await exchange(identities, KEY)).text
    kid = jwt.get_unverified_header(ours)["kid"]
    [public] = json.loads(await identities.jwks())["keys"]
    forged = [
        jwt.encode(claims_of(ours), Ed25519PrivateKey.generate(), algorithm="EdDSA", headers={"kid": kid}),
        jwt.encode(claims_of(ours), "", algorithm="none", headers={"kid": kid}),
        jwt.encode(claims_of(ours), public["x"], algorithm="HS256", headers={"kid": kid}),
    ]
    for token in forged:
        with pytest.raises(Unauthenticated, match="invalid_token"):
            await verifier.access(token)


async def test_the_public_keys_are_public_only(identities: Identities) -> None:
    [key] = json.loads(await identities.jwks())["keys"]
    assert set(key) == {"kty", "crv", "x", "kid", "alg", "use"}
    assert (key["kty"], key["crv"], key["alg"], key["use"]) == ("OKP", "Ed25519", "EdDSA", "sig")


async def test_the_newest_key_signs_and_older_ones_verify(
    identities: Identities, verifier: auth.Verifier, store: FakeStore, clock: Clock
) -> None:
    old = (await exchange(identities, KEY)).text
    newer = new_signing_key(clock.now + timedelta(seconds=1))
    store.signing[newer.kid] = newer
    clock.now += timedelta(seconds=2)
    new = (await exchange(identities, KEY)).text
    assert jwt.get_unverified_header(new)["kid"] == newer.kid
    assert (await verifier.access(old)).subject == (await verifier.access(new)).subject


async def test_a_retired_key_neither_signs_nor_verifies(
    identities: Identities, verifier: auth.Verifier, store: FakeStore, clock: Clock
) -> None:
    old = (await exchange(identities, KEY)).text
    [first] = store.signing.values()
    store.signing[first.kid] = replace(first, retire_time=clock.now)
    await identities.prepare(KEY, SERVICE_KEYS)
    assert jwt.get_unverified_header((await exchange(identities, KEY)).text)["kid"] != first.kid
    with pytest.raises(Unauthenticated, match="invalid_token"):
        await verifier.access(old)


async def test_preparing_again_changes_nothing(identities: Identities, store: FakeStore) -> None:
    before = dict(store.tenants), dict(store.keys), dict(store.signing)
    await identities.prepare(KEY, SERVICE_KEYS)
    assert (store.tenants, store.keys, store.signing) == before
    assert [said.name for said in store.said if isinstance(said, Tenant)] == ["default", "system"]


async def test_another_secret_takes_the_place_of_the_old_one(identities: Identities) -> None:
    await identities.prepare("rmk_another", SERVICE_KEYS)
    await exchange(identities, "rmk_another")
    with pytest.raises(Unauthenticated, match="invalid_api_key"):
        await exchange(identities, KEY)


async def test_a_key_that_is_no_longer_configured_is_gone(identities: Identities, store: FakeStore) -> None:
    await identities.prepare("", {})
    for secret in (KEY, *SERVICE_KEYS.values(), ""):
        with pytest.raises(Unauthenticated, match="invalid_api_key"):
            await exchange(identities, secret)
    assert not store.keys


async def test_secrets_may_change_places(identities: Identities, verifier: auth.Verifier) -> None:
    await identities.prepare(SERVICE_KEYS["gateway"], SERVICE_KEYS | {"gateway": KEY})
    caller = await verifier.access((await exchange(identities, KEY)).text)
    assert caller.scopes == SERVICE_SCOPES["gateway"]


async def test_a_key_with_other_scopes_than_it_should_have_is_renewed(
    identities: Identities, verifier: auth.Verifier, store: FakeStore
) -> None:
    store.keys = {key.id: replace(key, scopes=frozenset({"of:old"})) for key in store.keys.values()}
    await identities.prepare(KEY, SERVICE_KEYS)
    assert (await verifier.access((await exchange(identities, KEY)).text)).scopes == TENANT_SCOPES


async def test_a_tenant_that_is_not_there_is_not_found(identities: Identities) -> None:
    with pytest.raises(NotFound, match="tenant_not_found"):
        await identities.tenant(new_id())


async def test_no_secret_is_kept_or_shown(identities: Identities, store: FakeStore) -> None:
    token = await exchange(identities, KEY)
    [signing] = store.signing.values()
    shown = repr((store, token, signing))
    assert KEY not in shown
    assert token.text not in shown
    assert repr(signing.private_key) not in shown
    assert all(key.secret_hash != KEY.encode() for key in store.keys.values())
