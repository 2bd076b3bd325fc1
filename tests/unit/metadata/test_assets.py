"""What happens to assets, over fakes."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from meshkit.errors import InvalidArgument, NotFound
from meshkit.ids import new_id
from services.metadata.audit import WINDOW, Action
from services.metadata.domain import Asset, Changes, Fact, State, Visibility
from services.metadata.listing import NEWEST_FIRST, Filter, Order
from services.metadata.service import Assets
from tests.fakes.metadata import NOW, FakeDelivery, FakeStore, a_job, a_source

TENANT = new_id()
ANY = Filter(labels={})


class Clock:
    now = NOW

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store() -> FakeStore:
    return FakeStore()


@pytest.fixture
def assets(store: FakeStore, clock: Clock) -> Assets:
    return Assets(store, clock)


async def test_an_upload_becomes_an_asset_once(assets: Assets, store: FakeStore) -> None:
    source, delivery = a_source(TENANT), FakeDelivery()
    await assets.take_in(source, delivery)
    await assets.take_in(source, delivery)
    await assets.take_in(source, FakeDelivery())
    assert [(fact, asset.id) for fact, asset in store.said] == [(Fact.CREATED, source.id)]


async def test_a_playback_id_is_not_the_asset_id_nor_sorts_by_time(assets: Assets) -> None:
    source = a_source(TENANT)
    await assets.take_in(source, FakeDelivery())
    playback_id = (await assets.get(TENANT, source.id)).playback_id
    assert playback_id != source.id
    assert playback_id[14] == "4"


async def test_a_job_moves_its_asset_once(assets: Assets, store: FakeStore) -> None:
    source, delivery = a_source(TENANT), FakeDelivery()
    await assets.take_in(source, FakeDelivery())
    await assets.follow(a_job(source), Asset.start, delivery)
    await assets.follow(a_job(source), Asset.succeed, delivery)
    assert [fact for fact, _ in store.said] == [Fact.CREATED, Fact.UPDATED]


async def test_a_job_of_nothing_moves_nothing(assets: Assets, store: FakeStore) -> None:
    source = a_source(TENANT)
    await assets.follow(a_job(source), Asset.start, FakeDelivery())
    await assets.take_in(source, FakeDelivery())
    await assets.follow(a_job(source, tenant_id=new_id()), Asset.fail, FakeDelivery())
    assert [fact for fact, _ in store.said] == [Fact.CREATED]


async def test_a_change_that_changes_nothing_is_not_said(assets: Assets, store: FakeStore) -> None:
    source = a_source(TENANT)
    await assets.take_in(source, FakeDelivery())
    await assets.update(TENANT, source.id, Changes(labels={"match_id": "7"}), "", "me")
    assert [fact for fact, _ in store.said] == [Fact.CREATED]
    await assets.update(TENANT, source.id, Changes(labels={"match_id": "8"}), "", "me")
    await assets.delete(TENANT, source.id, "", "me")
    await assets.delete(TENANT, source.id, "", "me")
    assert [fact for fact, _ in store.said] == [Fact.CREATED, Fact.UPDATED, Fact.DELETED]


async def test_a_deleted_asset_is_listed_only_where_it_is_asked_for(assets: Assets) -> None:
    source = a_source(TENANT)
    await assets.take_in(source, FakeDelivery())
    await assets.delete(TENANT, source.id, "", "me")
    assert await assets.page(TENANT, ANY, NEWEST_FIRST, 10, "") == ([], "")
    (listed,), _ = await assets.page(TENANT, Filter(state=State.DELETED, labels={}), NEWEST_FIRST, 10, "")
    assert listed == await assets.get(TENANT, source.id)


async def test_pages_follow_one_another_while_assets_come_in(assets: Assets) -> None:
    sources = [a_source(TENANT) for _ in range(5)]
    for source in sources[:4]:
        await assets.take_in(source, FakeDelivery())
    first, token = await assets.page(TENANT, ANY, NEWEST_FIRST, 3, "")
    await assets.take_in(sources[4], FakeDelivery())
    second, end = await assets.page(TENANT, ANY, NEWEST_FIRST, 3, token)
    assert [asset.id for asset in first + second] == [source.id for source in reversed(sources[:4])]
    assert end == ""
    for wrong in (Order(field="size"), Order(descending=False)):
        with pytest.raises(InvalidArgument, match="invalid_page_token"):
            await assets.page(TENANT, ANY, wrong, 3, token)


async def test_a_history_says_what_changed_and_who_did_it(assets: Assets) -> None:
    source = a_source(TENANT)
    await assets.take_in(source, FakeDelivery())
    job = a_job(source)
    await assets.follow(job, Asset.succeed, FakeDelivery())
    await assets.update(TENANT, source.id, Changes(passthrough="x", labels={}), "", "me")
    lines, more = await assets.history(TENANT, source.id, 2, "")
    assert [(line.fact, line.state, line.subject) for line in lines] == [
        (Fact.UPDATED, State.READY, "me"),
        (Fact.READY, State.READY, ""),
    ]
    assert lines[0].changed == ("labels", "passthrough")
    assert lines[1].job_id == job.id
    rest, end = await assets.history(TENANT, source.id, 2, more)
    assert ([line.fact for line in rest], end) == ([Fact.CREATED], "")
    with pytest.raises(NotFound):
        await assets.history(new_id(), source.id, 2, "")


async def test_reads_of_private_media_are_on_record(assets: Assets, store: FakeStore, clock: Clock) -> None:
    source = a_source(TENANT)
    await assets.take_in(source, FakeDelivery())
    for action in (Action.STREAM, Action.STREAM, Action.URL, Action.PLAYBACK):
        await assets.open(TENANT, source.id, action, "me")
    clock.now += timedelta(seconds=WINDOW)
    await assets.open(TENANT, source.id, Action.STREAM, "me")
    # Playing what does not play yet reads nothing.
    assert [record.action for record in store.records] == [Action.STREAM, Action.URL, Action.STREAM]
    await assets.update(TENANT, source.id, Changes(visibility=Visibility.PUBLIC), "", "me")
    await assets.open(TENANT, source.id, Action.DOWNLOAD, "me")
    assert len(store.records) == 3
    with pytest.raises(NotFound):
        await assets.open(new_id(), source.id, Action.STREAM, "me")


async def test_a_deleted_asset_comes_back(assets: Assets, store: FakeStore) -> None:
    source = a_source(TENANT)
    await assets.take_in(source, FakeDelivery())
    await assets.delete(TENANT, source.id, "", "me")
    with pytest.raises(NotFound, match="asset_not_found"):
        await assets.open(TENANT, source.id, Action.PLAYBACK, "me")
    for _ in range(2):
        assert (await assets.restore(TENANT, source.id, "", "you")).state is State.UPLOADED
    assert [fact for fact, _ in store.said] == [Fact.CREATED, Fact.DELETED, Fact.RESTORED]
    assert [(each.action, each.subject) for each in store.records] == [(Action.DELETE, "me"), (Action.RESTORE, "you")]


async def test_a_playback_id_plays_until_its_asset_is_gone(assets: Assets, clock: Clock) -> None:
    source = a_source(TENANT)
    await assets.take_in(source, FakeDelivery())
    asset = await assets.get(TENANT, source.id)
    assert (await assets.resolve(asset.playback_id)).object_prefix == ""
    job = a_job(source)
    await assets.follow(job, Asset.play, FakeDelivery())
    assert (await assets.resolve(asset.playback_id)).object_prefix == job.object_prefix
    await assets.follow(job, Asset.fail, FakeDelivery())
    with pytest.raises(NotFound, match="playback_not_found"):
        await assets.resolve(asset.playback_id)
    with pytest.raises(NotFound, match="playback_not_found"):
        await assets.resolve(new_id())


async def test_what_is_not_there_is_not_found(assets: Assets, clock: Clock) -> None:
    clock.now += timedelta(days=1)
    with pytest.raises(NotFound, match="asset_not_found"):
        await assets.get(TENANT, new_id())
    with pytest.raises(NotFound, match="asset_not_found"):
        await assets.update(TENANT, new_id(), Changes(), "", "me")
    with pytest.raises(NotFound, match="asset_not_found"):
        await assets.delete(TENANT, new_id(), "", "me")
