"""How long the gateway believes an API key."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

import pytest

from meshkit.errors import Unauthenticated, Unavailable
from meshkit.ids import new_id
from services.gateway.auth import KEPT, Authenticator
from tests import tokens

KEY = "rmk_a-key-of-these-tests"


@dataclass
class Identity:
    failure: Exception | None = None
    seconds: float = 600.0
    asked: int = 0
    tenant: str = field(default_factory=new_id)

    async def exchange(self, key: str) -> tuple[str, float]:
        self.asked += 1
        if self.failure:
            raise self.failure
        return tokens.token(self.tenant, "assets:read", seconds=self.seconds), time.time() + self.seconds


@pytest.fixture
def identity() -> Identity:
    return Identity()


@pytest.fixture
def now() -> list[float]:
    return [0.0]


@pytest.fixture
def authenticate(identity: Identity, now: list[float]) -> Authenticator:
    made = Authenticator(tokens.verifier(), identity.exchange)
    made._callers._now = made._lasting._now = lambda: now[0]
    return made


async def test_a_key_that_was_taken_back_is_refused_within_half_a_minute(
    authenticate: Authenticator, identity: Identity, now: list[float]
) -> None:
    await authenticate(KEY)
    identity.failure = Unauthenticated("invalid_api_key")
    await authenticate(KEY)
    now[0] += KEPT
    with pytest.raises(Unauthenticated, match="invalid_api_key"):
        await authenticate(KEY)


async def test_a_key_that_was_taken_back_here_is_refused_at_once(
    authenticate: Authenticator, identity: Identity
) -> None:
    subject = (await authenticate(KEY)).subject
    identity.failure = Unavailable("identity_unavailable")
    authenticate.forget(subject)
    with pytest.raises(Unavailable, match="identity_unavailable"):
        await authenticate(KEY)


async def test_while_identity_is_away_a_token_lives_to_its_end(
    authenticate: Authenticator, identity: Identity, now: list[float]
) -> None:
    first = await authenticate(KEY)
    identity.failure = Unavailable("identity_unavailable")
    for _ in range(18):
        now[0] += 31
        assert await authenticate(KEY) == first
    now[0] += 31
    with pytest.raises(Unavailable, match="identity_unavailable"):
        await authenticate(KEY)
    identity.failure = None
    assert (await authenticate(KEY)).tenant_id == first.tenant_id
