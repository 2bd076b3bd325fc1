"""The keys that sign tokens, and when each of them does."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from jwt.algorithms import OKPAlgorithm

from meshkit import auth
from meshkit.ids import new_id

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

ACCESS_LIFETIME = timedelta(minutes=10)
PLAYBACK_LIFETIME = timedelta(days=7)
"""The longest that a playback token is good for."""
PUBLISHED_BEFORE = timedelta(hours=1)
"""From being published until the first signature: every verifier has asked for the keys again meanwhile."""
KEPT_AFTER = PLAYBACK_LIFETIME + timedelta(hours=1)
"""From the last signature until nothing signed can still be good."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """A signed JWT (RFC 7519)."""

    text: str = field(repr=False)
    expire_time: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """Whom an access token is for."""

    id: str
    tenant_id: str
    scopes: frozenset[str]
    session_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningKey:
    """An Ed25519 key pair; `private_key` is its seed (RFC 8032), from which the public key follows."""

    kid: str
    private_key: bytes = field(repr=False)
    create_time: datetime
    use_time: datetime
    """From then on it signs, until a newer one does."""
    retire_time: datetime | None = None
    """From then on nothing that it signed is good any more."""

    def access(self, subject: Subject, now: datetime) -> Token:
        claims = {"sub": subject.id, "tid": subject.tenant_id, "scope": " ".join(sorted(subject.scopes))}
        if subject.session_id:
            claims["sid"] = subject.session_id
        return self._sign(auth.ACCESS_AUDIENCE, claims, now, ACCESS_LIFETIME)

    def playback(self, tenant_id: str, playback_id: str, now: datetime, lifetime: timedelta) -> Token:
        """For anyone who shall play `playback_id`."""
        return self._sign(auth.PLAYBACK_AUDIENCE, {"sub": playback_id, "tid": tenant_id}, now, lifetime)

    def public(self) -> dict[str, str]:
        """The public half as a JWK (RFC 8037)."""
        jwk = OKPAlgorithm.to_jwk(self._pair().public_key(), as_dict=True)
        return jwk | {"kid": self.kid, "alg": auth.ALGORITHM, "use": "sig"}

    def _sign(self, audience: str, claims: dict[str, str], now: datetime, lifetime: timedelta) -> Token:
        # The time in a token is in whole seconds; what we say of it is the same.
        issued = now.replace(microsecond=0)
        common = {"iss": auth.ISSUER, "aud": audience, "iat": issued, "exp": issued + lifetime, "jti": new_id()}
        text = jwt.encode(common | claims, self._pair(), algorithm=auth.ALGORITHM, headers={"kid": self.kid})
        return Token(text=text, expire_time=issued + lifetime)

    def _pair(self) -> Ed25519PrivateKey:
        return Ed25519PrivateKey.from_private_bytes(self.private_key)


def new_signing_key(now: datetime, use_time: datetime | None = None) -> SigningKey:
    """Signs at once, or from `use_time` on."""
    seed = Ed25519PrivateKey.generate().private_bytes_raw()
    return SigningKey(kid=new_id(), private_key=seed, create_time=now, use_time=use_time or now)


def signs(keys: Sequence[SigningKey], now: datetime) -> SigningKey | None:
    """The one of `keys` that signs now; the first ever does also where a clock is behind."""
    in_order = sorted(keys, key=lambda key: (key.use_time, key.kid))
    return next((key for key in reversed(in_order) if key.use_time <= now), in_order[0] if in_order else None)


def rotated(keys: Sequence[SigningKey], now: datetime, lifetime: timedelta) -> list[SigningKey]:
    """Those of `keys` that change, and those that join them, so that each signs for `lifetime`.

    The next is published PUBLISHED_BEFORE it signs; one that another has followed retires when its tokens are over.
    """
    if (current := signs(keys, now)) is None:
        return [new_signing_key(now)]
    changed = [
        replace(key, retire_time=current.use_time + KEPT_AFTER)
        for key in keys
        if key.use_time <= current.use_time and key.kid != current.kid and key.retire_time is None
    ]
    following = any(key.use_time > now for key in keys)
    if not following and now >= current.use_time + lifetime - PUBLISHED_BEFORE:
        use_time = max(current.use_time + lifetime, now + PUBLISHED_BEFORE)
        changed.append(new_signing_key(now, use_time))
    return changed


def jwk_set(keys: Iterable[SigningKey]) -> str:
    """The public halves as a JWK Set (RFC 7517), as JSON text."""
    return json.dumps({"keys": [key.public() for key in keys]})
