"""What the identity service makes when it starts, alone, with others, and again."""

from __future__ import annotations

import asyncio
import json
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from meshkit import outbox
from meshkit.credentials import Identity, identity_at
from meshkit.db import Database
from meshkit.errors import Unauthenticated
from services.identity.main import Settings, main
from services.identity.roles import SERVICE_SCOPES
from services.identity.tables import API_KEYS, SIGNING_KEYS, TENANTS
from tests.serving import free_port, serving

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Mapping

    from local.infra import Infra

FIRST = "rmk_the-first-bootstrap-key"
SECOND = "rmk_the-second-bootstrap-key"
GATEWAY = "rmk_the-key-of-the-gateway"


@pytest.fixture
async def url(fresh_url: Callable[[], Awaitable[str]]) -> str:
    return await fresh_url()


@asynccontextmanager
async def started(
    infra: Infra, url: str, key: str, services: Mapping[str, str] | None = None
) -> AsyncIterator[Identity]:
    settings = Settings(
        grpc_port=free_port(),
        database_url=url,
        nats_url=infra.nats_url,
        bootstrap_api_key=key,
        service_keys=dict(services or {}),
    )
    async with serving(main, settings) as address, identity_at(address) as identity:
        yield identity


async def rows(url: str, table: sa.Table) -> list[sa.Row[tuple[object, ...]]]:
    db = Database(url)
    async with db.transaction() as connection:
        found = (await connection.execute(sa.select(table))).all()
    await db.close()
    return list(found)


async def test_replicas_that_start_at_the_same_time_agree(infra: Infra, url: str) -> None:
    async with AsyncExitStack() as stack:
        starting = [started(infra, url, FIRST, {"gateway": GATEWAY}) for _ in range(2)]
        one, two = await asyncio.gather(*[stack.enter_async_context(each) for each in starting])
        assert json.loads(await one.jwks()) == json.loads(await two.jwks())
        for issuer, judge in ((one, two), (two, one)):
            for key in (FIRST, GATEWAY):
                token, _ = await issuer.exchange(key)
                await judge.verifier().access(token)
    assert len(await rows(url, SIGNING_KEYS)) == 1
    assert {row.name for row in await rows(url, TENANTS)} == {"default", "system"}
    assert {row.name for row in await rows(url, API_KEYS)} == {"bootstrap", "gateway"}
    assert len(await rows(url, outbox.OUTBOX)) == 2


async def test_a_replaced_key_stops_working_and_its_tokens_live_on(infra: Infra, url: str) -> None:
    async with started(infra, url, FIRST) as identity:
        token, _ = await identity.exchange(FIRST)
        before = await identity.verifier().access(token)
    async with started(infra, url, SECOND) as identity:
        with pytest.raises(Unauthenticated, match="invalid_api_key"):
            await identity.exchange(FIRST)
        after = await identity.verifier().access((await identity.exchange(SECOND))[0])
        assert await identity.verifier().access(token) == before
    assert after.tenant_id == before.tenant_id
    assert after.subject != before.subject


async def test_starting_again_changes_nothing(infra: Infra, url: str) -> None:
    tables = (TENANTS, API_KEYS, SIGNING_KEYS)
    async with started(infra, url, FIRST, {"gateway": GATEWAY}):
        first = [await rows(url, table) for table in tables]
    async with started(infra, url, FIRST, {"gateway": GATEWAY}):
        assert [await rows(url, table) for table in tables] == first


async def test_secrets_may_change_places(infra: Infra, url: str) -> None:
    async with started(infra, url, FIRST, {"gateway": GATEWAY}):
        pass
    async with started(infra, url, GATEWAY, {"gateway": FIRST}) as identity:
        caller = await identity.verifier().access((await identity.exchange(FIRST))[0])
    assert caller.scopes == SERVICE_SCOPES["gateway"]


async def test_no_secret_reaches_the_database(infra: Infra, url: str) -> None:
    async with started(infra, url, FIRST, {"gateway": GATEWAY}):
        kept = repr([await rows(url, table) for table in (TENANTS, API_KEYS, outbox.OUTBOX)])
    assert FIRST not in kept
    assert GATEWAY not in kept
