"""The fake store and Postgres keep the same promises."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from meshkit.ids import new_id
from services.metadata.domain import Asset, Changes, Fact, State, Visibility
from services.metadata.kinds import Kind
from services.metadata.labels import Bound, Comparison
from services.metadata.listing import NEWEST_FIRST, Filter, Order
from services.metadata.store import PostgresStore
from tests.fakes.metadata import NOW, FakeStore, a_job, an_asset

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from datetime import datetime

    from meshkit.db import Database
    from services.metadata.ports import Store

ANY = Filter(labels={})
SECOND = timedelta(seconds=1)


@pytest.fixture(params=["fake", "postgres"])
async def store(request: pytest.FixtureRequest, database: Callable[[str], Awaitable[Database]]) -> Store:
    return FakeStore() if request.param == "fake" else PostgresStore(await database("metadata"))


async def add(store: Store, *assets: Asset) -> None:
    async with store.transaction() as tx:
        for asset in assets:
            await tx.add(asset)


async def listed(store: Store, tenant_id: str, wanted: Filter = ANY) -> list[str]:
    async with store.transaction() as tx:
        return [asset.id for asset in await tx.page(tenant_id, wanted, NEWEST_FIRST, after=None, limit=100)]


async def test_gives_back_what_it_was_given(store: Store) -> None:
    asset = an_asset(new_id(), content_type="", file_name="unknown", job={"priority": 7}, job_id=new_id())
    await add(store, asset)
    async with store.transaction() as tx:
        assert await tx.get(asset.tenant_id, asset.id, lock=True) == asset
        assert await tx.get(new_id(), asset.id) is None
        assert await tx.playing(asset.playback_id) == asset
        assert await tx.playing(new_id()) is None


async def test_keeps_every_new_state(store: Store) -> None:
    asset = an_asset(new_id())
    job = a_job(asset, kind=Kind.VIDEO)
    await add(store, asset)
    ready = asset.start(job, NOW).play(job, NOW).succeed(job, NOW)
    for after in (asset.start(job, NOW), ready, ready.delete(NOW)):
        async with store.transaction() as tx:
            await tx.save(after, Fact.UPDATED)
        async with store.transaction() as tx:
            assert await tx.get(asset.tenant_id, asset.id) == after


async def test_adding_an_asset_again_changes_nothing(store: Store) -> None:
    asset = an_asset(new_id())
    started = asset.start(a_job(asset), NOW)
    await add(store, asset)
    async with store.transaction() as tx:
        await tx.save(started, Fact.UPDATED)
        await tx.add(asset)
        assert await tx.get(asset.tenant_id, asset.id) == started


async def test_a_message_is_new_once_to_each_consumer(store: Store) -> None:
    message_id = new_id()
    async with store.transaction() as tx:
        assert await tx.first_time("metadata-a", message_id)
        assert await tx.first_time("metadata-b", message_id)
    async with store.transaction() as tx:
        assert not await tx.first_time("metadata-a", message_id)


async def test_a_transaction_that_failed_saw_and_did_nothing(store: Store) -> None:
    asset = an_asset(new_id())

    async def fail() -> None:
        async with store.transaction() as tx:
            await tx.first_time("metadata-a", asset.id)
            await tx.add(asset)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await fail()
    async with store.transaction() as tx:
        assert await tx.first_time("metadata-a", asset.id)
        assert await tx.get(asset.tenant_id, asset.id) is None


@pytest.mark.parametrize("field", ["create_time", "update_time", "file_name", "size", "votes"])
@pytest.mark.parametrize("descending", [True, False])
async def test_pages_in_every_order(store: Store, field: str, descending: bool) -> None:
    tenant, order = new_id(), Order(field=field, descending=descending)
    made = [
        replace(an_asset(tenant, file_name=name, size=size), create_time=at, update_time=at, votes=size)
        for name, size, at in (("B", 2, NOW), ("a", 1, NOW), ("ä", 3, NOW + SECOND), ("A b", 2, NOW), ("a", 2, NOW))
    ]
    await add(store, *made, an_asset(new_id()))
    seen: list[Asset] = []
    while True:
        async with store.transaction() as tx:
            after = order.place(seen[-1]) if seen else None
            rows = await tx.page(tenant, ANY, order, after=after, limit=2)
        if not rows:
            break
        seen += rows

    def place(asset: Asset) -> tuple[bytes | int | datetime, str]:
        value = order.place(asset).value
        return value.encode() if isinstance(value, str) else value, asset.id

    assert seen == sorted(made, key=place, reverse=descending)


async def test_lists_what_is_wanted(store: Store) -> None:
    tenant = new_id()
    video = an_asset(tenant, labels={"match_id": "7", "camera": "left"})
    image = an_asset(tenant, labels={"match_id": "7"}, content_type="image/png", visibility=Visibility.PUBLIC)
    ready, gone = an_asset(tenant, labels={}), an_asset(tenant, labels={"match_id": "7"})
    await add(store, video, image, ready.succeed(a_job(ready), NOW), gone.delete(NOW))
    assert await listed(store, tenant) == [ready.id, image.id, video.id]
    assert await listed(store, tenant, Filter(labels={"match_id": "7"})) == [image.id, video.id]
    assert await listed(store, tenant, Filter(labels={"match_id": "7", "camera": "left"})) == [video.id]
    assert await listed(store, tenant, Filter(labels={"match_id": "8"})) == []
    assert await listed(store, tenant, Filter(labels={}, kind=Kind.IMAGE)) == [image.id]
    assert await listed(store, tenant, Filter(labels={}, visibility=Visibility.PUBLIC)) == [image.id]
    assert await listed(store, tenant, Filter(labels={}, state=State.READY)) == [ready.id]
    assert await listed(store, tenant, Filter(labels={"match_id": "7"}, state=State.DELETED)) == [gone.id]


async def test_lists_by_name_and_time(store: Store) -> None:
    tenant = new_id()
    first = an_asset(tenant, file_name="Final 100%_x.mov")
    second = replace(an_asset(tenant, file_name="final.mov"), create_time=NOW + SECOND)
    await add(store, first, second)
    assert await listed(store, tenant, Filter(labels={}, name="FINAL")) == [second.id, first.id]
    assert await listed(store, tenant, Filter(labels={}, name="%_")) == [first.id]
    assert await listed(store, tenant, Filter(labels={}, created_after=NOW)) == [second.id]
    assert await listed(store, tenant, Filter(labels={}, created_before=NOW + SECOND)) == [first.id]


async def test_numbers_among_labels_are_numbers(store: Store) -> None:
    tenant = new_id()
    values = ("7", "7.50", "-3", "007", "seven", "10")
    rows = {value: an_asset(tenant, labels={"score": value, "round": "1"}) for value in values}
    names = {asset.id: value for value, asset in rows.items()}
    async with store.transaction() as tx:
        for asset in rows.values():
            await tx.add(asset)
        await tx.add(an_asset(new_id(), labels={"score": "7"}))

    async def found(*bounds: tuple[Comparison, str], **labels: str) -> set[str]:
        wanted = tuple(Bound(name="score", comparison=side, number=Decimal(number)) for side, number in bounds)
        return {names[each] for each in await listed(store, tenant, Filter(labels=labels, bounds=wanted))}

    assert await found(score="7") == await found(score="7.0") == {"7"}
    assert await found(score="7.5", round="1") == {"7.50"}
    assert (await found(score="007"), await found(score="seven"), await found(score="7", round="2")) == (
        {"007"},
        {"seven"},
        set(),
    )
    assert await found((Comparison.GT, "7")) == {"7.50", "10"}
    assert await found((Comparison.GTE, "7"), (Comparison.LT, "10")) == {"7", "7.50"}
    assert await found((Comparison.LTE, "-3")) == {"-3"}
    changed = rows["10"].update(Changes(labels={"score": "11"}), NOW)
    async with store.transaction() as tx:
        await tx.save(changed, Fact.UPDATED)
    assert (await found(score="10"), await found((Comparison.GT, "10"))) == (set(), {"10"})


async def test_labels_are_kept_as_they_are_written(store: Store) -> None:
    asset = an_asset(new_id(), labels={"quote": 'it\'s "7" 100%', "ö": "ü"})
    await add(store, asset)
    assert await listed(store, asset.tenant_id, Filter(labels=asset.labels)) == [asset.id]
    changed = asset.update(Changes(labels={}), NOW)
    async with store.transaction() as tx:
        await tx.save(changed, Fact.UPDATED)
        assert await tx.get(asset.tenant_id, asset.id) == changed
