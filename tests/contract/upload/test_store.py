"""The fake store and Postgres keep the same promises."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from meshkit.ids import new_id
from services.upload.domain import State, Transport, Upload, Visibility, open_upload
from services.upload.formats import Policy
from services.upload.store import PostgresStore
from tests.builders import a_request
from tests.fakes.upload import FakeStore

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from meshkit.db import Database
    from services.upload.ports import Store

NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture(params=["fake", "postgres"])
async def store(request: pytest.FixtureRequest, database: Callable[[str], Awaitable[Database]]) -> Store:
    return FakeStore() if request.param == "fake" else PostgresStore(await database("upload"))


def an_upload(tenant_id: str) -> Upload:
    request = a_request(labels={"match_id": "7"}, visibility=Visibility.PUBLIC, job={"edits": {"mute": True}})
    return open_upload(request, id=new_id(), asset_id=new_id(), tenant_id=tenant_id, now=NOW, policy=Policy())


async def test_gives_back_what_it_was_given(store: Store) -> None:
    upload = an_upload(new_id())
    async with store.transaction() as tx:
        assert await tx.add(upload, "") == upload
    async with store.transaction() as tx:
        assert await tx.get(upload.tenant_id, upload.id, lock=True) == upload
        assert await tx.get(new_id(), upload.id) is None
    assert await store.find(upload.tenant_id, upload.id) == upload
    assert await store.find(new_id(), upload.id) is None


async def test_keeps_a_new_state(store: Store) -> None:
    upload = an_upload(new_id())
    done = upload.complete(new_id(), NOW + timedelta(seconds=1))
    async with store.transaction() as tx:
        await tx.add(upload, "")
        await tx.save(done)
    async with store.transaction() as tx:
        assert await tx.get(upload.tenant_id, upload.id) == done


async def test_forgets_a_transaction_that_failed(store: Store) -> None:
    upload = an_upload(new_id())

    async def fail() -> None:
        async with store.transaction() as tx:
            await tx.add(upload, "")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await fail()
    async with store.transaction() as tx:
        assert await tx.get(upload.tenant_id, upload.id) is None


async def test_a_request_id_counts_once_in_a_tenant(store: Store) -> None:
    tenant = new_id()
    first, second = an_upload(tenant), an_upload(tenant)
    async with store.transaction() as tx:
        await tx.add(first, "key")
    async with store.transaction() as tx:
        assert (await tx.add(second, "key")).id == first.id
        assert (await tx.add(second, "")).id == second.id
        assert (await tx.add(an_upload(new_id()), "key")).id != first.id


async def test_pages_newest_first(store: Store) -> None:
    tenant = new_id()
    made = [an_upload(tenant) for _ in range(4)]
    async with store.transaction() as tx:
        for upload in made:
            await tx.add(upload, "")
        newest_first = sorted(made, key=lambda upload: upload.id, reverse=True)
        assert await tx.page(tenant, before=None, limit=3) == newest_first[:3]
        assert await tx.page(tenant, before=newest_first[2].id, limit=3) == newest_first[3:]


async def test_only_receiving_uploads_get_stale(store: Store) -> None:
    # A year of its own keeps the other tests' uploads out of sight.
    then = datetime(2001, 1, 1, tzinfo=UTC)
    stale = replace(an_upload(new_id()), expire_time=then)
    async with store.transaction() as tx:
        await tx.add(stale, "")
        await tx.add(replace(an_upload(new_id()), expire_time=then, state=State.COMPLETED), "")
    async with store.transaction() as tx:
        assert await tx.stale(then + timedelta(days=1), 10) == [stale]


async def test_finds_what_is_due(store: Store) -> None:
    then = datetime(2002, 1, 1, tzinfo=UTC)
    tenant = new_id()
    seen = replace(an_upload(tenant), look_time=then)
    fetched = replace(an_upload(tenant), transport=Transport.FETCHED, look_time=None)
    held = replace(fetched, id=new_id(), held_until=NOW)
    over = replace(seen, id=new_id(), state=State.ABORTED)
    async with store.transaction() as tx:
        for upload in (seen, fetched, held, over):
            await tx.add(upload, "")
    async with store.transaction() as tx:
        assert await tx.unseen(then + timedelta(seconds=1), 10) == [seen]
        before, after = NOW - timedelta(seconds=1), NOW + timedelta(seconds=1)
        assert [each.id for each in await tx.unfetched(before, 10) if each.tenant_id == tenant] == [fetched.id]
        assert {each.id for each in await tx.unfetched(after, 10) if each.tenant_id == tenant} == {fetched.id, held.id}
        await tx.keep(replace(seen, look_time=NOW + timedelta(days=1)))
        await tx.look_soon(seen.id, then + timedelta(seconds=5))
        await tx.look_soon(seen.id, NOW)
        assert await tx.unseen(then + timedelta(seconds=9), 10) != []


async def test_finds_the_upload_of_an_asset(store: Store) -> None:
    upload = an_upload(new_id())
    async with store.transaction() as tx:
        await tx.add(upload, "")
        assert await tx.of_asset(upload.tenant_id, upload.asset_id) == upload
        assert await tx.of_asset(new_id(), upload.asset_id) is None
