"""Tenants, the keys they come with, and the tokens they get for them."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from jwt.algorithms import OKPAlgorithm

from meshkit import auth
from meshkit.ids import new_id

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

UPLOADS_READ = "uploads:read"
UPLOADS_WRITE = "uploads:write"
ASSETS_READ = "assets:read"
ASSETS_WRITE = "assets:write"
JOBS_READ = "jobs:read"
JOBS_WRITE = "jobs:write"
EVENTS_READ = "events:read"
PLAYBACK_SIGN = "playback:sign"
PLAYBACK_READ = "playback:read"
TASKS_WORK = "tasks:work"

TENANT_SCOPES = frozenset(
    {UPLOADS_READ, UPLOADS_WRITE, ASSETS_READ, ASSETS_WRITE, JOBS_READ, JOBS_WRITE, EVENTS_READ, PLAYBACK_SIGN}
)
"""All that a key of a tenant can be good for."""
SERVICE_SCOPES = {"gateway": frozenset({PLAYBACK_READ}), "transcode-worker": frozenset({TASKS_WORK})}
"""The services that have a key of their own, and what it is good for: across tenants, and nothing of any tenant's."""

DEFAULT_TENANT = "default"
SYSTEM_TENANT = "system"
"""Where the services' own keys are at home."""
BOOTSTRAP_KEY = "bootstrap"
ACCESS_LIFETIME = timedelta(minutes=10)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tenant:
    id: str
    name: str
    create_time: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey:
    """A secret that can be exchanged for access tokens; only its hash is known after it was made."""

    id: str
    tenant_id: str
    name: str
    secret_hash: bytes = field(repr=False)
    scopes: frozenset[str]
    create_time: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """A signed JWT (RFC 7519)."""

    text: str = field(repr=False)
    expire_time: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningKey:
    """An Ed25519 key pair; `private_key` is its seed (RFC 8032), from which the public key follows."""

    kid: str
    private_key: bytes = field(repr=False)
    create_time: datetime
    retire_time: datetime | None = None
    """From then on nothing that it signed is good any more."""

    def access(self, key: ApiKey, now: datetime) -> Token:
        """For the holder of `key`."""
        claims = {"sub": key.id, "tid": key.tenant_id, "scope": " ".join(sorted(key.scopes))}
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


def new_signing_key(now: datetime) -> SigningKey:
    return SigningKey(kid=new_id(), private_key=Ed25519PrivateKey.generate().private_bytes_raw(), create_time=now)


def jwk_set(keys: Iterable[SigningKey]) -> str:
    """The public halves as a JWK Set (RFC 7517), as JSON text."""
    return json.dumps({"keys": [key.public() for key in keys]})


def hash_secret(secret: str) -> bytes:
    """What is kept of an API key. Nobody guesses a random secret, so a fast hash without salt is enough."""
    return hashlib.sha256(secret.encode()).digest()
