"""Tenants, the keys they come with, and the users and sessions they have."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from meshkit.errors import Unauthenticated

if TYPE_CHECKING:
    from datetime import datetime

    from services.identity.roles import Role

DEFAULT_TENANT = "default"
SYSTEM_TENANT = "system"
"""Where the services' own keys are at home."""
BOOTSTRAP_KEY = "bootstrap"
IDLE_LIFETIME = timedelta(days=14)
"""How long a refresh token waits for its use."""
SESSION_LIFETIME = timedelta(days=90)
"""From a login until the next one, however much the session is used."""
ENTROPY = 32
"""Bytes of a secret of ours."""


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
    slot: str | None = None
    """What the configuration calls it, where it comes from there."""
    request_id: str | None = None
    """What its maker calls the request for it."""
    user_id: str | None = None
    """Whose key made it, or who did: it can never do more than they."""
    expire_time: datetime | None = None
    last_use_time: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    id: str
    tenant_id: str
    email: str
    """In lower case; nobody else in any tenant has it."""
    password_hash: str = field(repr=False)
    role: Role
    create_time: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A login and all tokens that follow from it."""

    id: str
    user_id: str
    address: str
    create_time: datetime
    expire_time: datetime
    end_time: datetime | None = None
    end_reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RefreshToken:
    """Good for one refresh of its session."""

    secret_hash: bytes = field(repr=False)
    session: Session
    expire_time: datetime
    spent: bool = False
    raced: bool = False
    """Spent by a call that ran at the same time as this one."""

    def usable(self, now: datetime) -> None:
        """Raises Unauthenticated for a token that is too old, or whose session is over."""
        if self.session.end_time is not None or min(self.expire_time, self.session.expire_time) <= now:
            raise Unauthenticated("invalid_refresh_token", "the session is over: log in again")


def new_secret(prefix: str) -> str:
    return f"{prefix}{secrets.token_urlsafe(ENTROPY)}"


def hash_secret(secret: str) -> bytes:
    """What is kept of a secret of ours. Nobody guesses a random one, so a fast hash without salt is enough."""
    return hashlib.sha256(secret.encode()).digest()


def address_of_account(email: str) -> str:
    """The one spelling of an email address that we keep."""
    return email.strip().lower()
