"""The fake store and Postgres count alike."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from meshkit.errors import Exhausted
from meshkit.ids import new_id
from services.upload.domain import Transport, Upload, open_upload
from services.upload.formats import Policy
from services.upload.quotas import Limits
from services.upload.store import PostgresStore
from tests.builders import a_request
from tests.fakes.upload import FakeStore

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from meshkit.db import Database
    from services.upload.ports import Store

NOW = datetime(2026, 1, 1, tzinfo=UTC)
LIMITS = Limits(bytes_stored=1000, uploads_per_day=10)


@pytest.fixture(params=["fake", "postgres"])
async def store(request: pytest.FixtureRequest, database: Callable[[str], Awaitable[Database]]) -> Store:
    if request.param == "fake":
        return FakeStore(limits=LIMITS)
    return PostgresStore(await database("upload"), LIMITS)


def an_upload(tenant_id: str, size: int | None = 100, transport: Transport = Transport.STREAMED) -> Upload:
    request = a_request(size=size, transport=transport)
    return open_upload(request, id=new_id(), asset_id=new_id(), tenant_id=tenant_id, now=NOW, policy=Policy())


async def counts(store: Store, tenant_id: str) -> tuple[int, int]:
    async with store.transaction() as tx:
        tenant = await tx.tenant(tenant_id)
    return tenant.bytes_stored, tenant.uploads


async def test_counts_from_adding_to_forgetting(store: Store) -> None:
    tenant = new_id()
    first, second = an_upload(tenant, 300), an_upload(tenant, None)
    async with store.transaction() as tx:
        await tx.add(first, "once")
    async with store.transaction() as tx:
        await tx.add(an_upload(tenant, 900), "once")
        await tx.add(second, "")
    assert await counts(store, tenant) == (300, 2)
    async with store.transaction() as tx:
        await tx.keep(replace(second, received=500))
        await tx.charge(replace(second, received=600))
    assert await counts(store, tenant) == (900, 2)
    async with store.transaction() as tx:
        await tx.save(first.complete(new_id(), NOW))
        await tx.save(second.abort(NOW))
    assert await counts(store, tenant) == (300, 1)
    async with store.transaction() as tx:
        await tx.free(first)
        await tx.free(first)
        await tx.forget(first)
    assert await counts(store, tenant) == (0, 1)
    async with store.transaction() as tx:
        assert await tx.get(tenant, first.id) is None


async def test_what_is_too_much_leaves_nothing_behind(store: Store) -> None:
    tenant = new_id()
    upload = an_upload(tenant, 1001)

    async def add() -> None:
        async with store.transaction() as tx:
            await tx.add(upload, "")

    with pytest.raises(Exhausted):
        await add()
    async with store.transaction() as tx:
        assert await tx.get(tenant, upload.id) is None
    assert await counts(store, tenant) == (0, 0)


async def test_keeps_what_the_operator_sets(store: Store) -> None:
    tenant = new_id()
    assert await store.template(tenant) is None
    async with store.transaction() as tx:
        await tx.save_tenant(replace(await tx.tenant(tenant), max_bytes_stored=5, object_key_template="a/{yyyy}"))
    assert await store.template(tenant) == "a/{yyyy}"
    async with store.transaction() as tx:
        assert (await tx.tenant(tenant)).max_bytes_stored == 5


async def test_many_at_once_never_take_more_than_there_is(store: Store) -> None:
    tenant = new_id()

    async def add() -> bool:
        try:
            async with store.transaction() as tx:
                await tx.add(an_upload(tenant, 150), "")
        except Exhausted:
            return False
        return True

    assert sum(await asyncio.gather(*[add() for _ in range(12)])) == 6
    assert await counts(store, tenant) == (900, 6)
