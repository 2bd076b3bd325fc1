"""A store, fake and real; and rows to put into it."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from meshkit.ids import new_id
from services.identity.domain import ApiKey, Tenant, hash_secret
from services.identity.store import PostgresStore
from tests.fakes.identity import FakeStore

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from meshkit.db import Database
    from services.identity.ports import Store

NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture(params=["fake", "postgres"])
async def store(request: pytest.FixtureRequest, database: Callable[[str], Awaitable[Database]]) -> Store:
    return FakeStore() if request.param == "fake" else PostgresStore(await database("identity"))


def a_tenant() -> Tenant:
    return Tenant(id=new_id(), name=f"tenant {new_id()}", create_time=NOW)


def a_key(tenant: Tenant, slot: str | None = "bootstrap", **fields: Any) -> ApiKey:
    return ApiKey(
        id=new_id(),
        tenant_id=tenant.id,
        name="a key",
        slot=slot,
        secret_hash=hash_secret(secrets.token_urlsafe()),
        scopes=frozenset({"jobs:read", "assets:read"}),
        create_time=NOW,
        **fields,
    )
