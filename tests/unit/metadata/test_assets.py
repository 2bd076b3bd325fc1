"""What happens to assets, over fakes."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from reelmesh.transcode.v1 import transcode_pb2
from reelmesh.transcode.v1.transcode_events_pb2 import JobStarted

from meshkit import consume
from meshkit.errors import NotFound, Unavailable
from meshkit.ids import new_id
from services.metadata.consumer import take_job_fact
from services.metadata.domain import Asset, Changes, Fact, State
from services.metadata.service import PATIENCE, Assets, Filter
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


async def test_a_job_ahead_of_its_upload_is_asked_for_again(assets: Assets) -> None:
    source, delivery = a_source(TENANT), FakeDelivery()
    job = a_job(source)
    with pytest.raises(Unavailable, match="asset_not_known_yet"):
        await assets.follow(job, Asset.start, delivery)
    await assets.take_in(source, FakeDelivery())
    await assets.follow(job, Asset.start, delivery)
    assert (await assets.get(TENANT, source.id)).state is State.PROCESSING


async def test_a_job_of_nothing_is_given_up_after_a_while(assets: Assets, clock: Clock) -> None:
    delivery = consume.Delivery(consumer="metadata-transcode-all", message_id=new_id(), create_time=NOW)
    clock.now = NOW + PATIENCE
    job = a_job(a_source(TENANT))
    with pytest.raises(NotFound, match="asset_not_found"):
        await assets.follow(job, Asset.start, delivery)
    said = JobStarted(job=transcode_pb2.Job(id=job.id, tenant_id=job.tenant_id, asset_id=job.asset_id))
    await take_job_fact(assets, said, delivery)


async def test_another_tenants_job_does_not_touch_an_asset(assets: Assets) -> None:
    source = a_source(TENANT)
    await assets.take_in(source, FakeDelivery())
    with pytest.raises(Unavailable):
        await assets.follow(a_job(source, tenant_id=new_id()), Asset.fail, FakeDelivery())


async def test_a_change_that_changes_nothing_is_not_said(assets: Assets, store: FakeStore) -> None:
    source = a_source(TENANT)
    await assets.take_in(source, FakeDelivery())
    await assets.update(TENANT, source.id, Changes(labels={"match_id": "7"}), "")
    assert [fact for fact, _ in store.said] == [Fact.CREATED]
    await assets.update(TENANT, source.id, Changes(labels={"match_id": "8"}), "")
    await assets.delete(TENANT, source.id, "")
    await assets.delete(TENANT, source.id, "")
    assert [fact for fact, _ in store.said] == [Fact.CREATED, Fact.UPDATED, Fact.DELETED]


async def test_a_deleted_asset_is_listed_only_where_it_is_asked_for(assets: Assets) -> None:
    source = a_source(TENANT)
    await assets.take_in(source, FakeDelivery())
    await assets.delete(TENANT, source.id, "")
    assert await assets.page(TENANT, ANY, 10, "") == ([], "")
    (listed,), _ = await assets.page(TENANT, Filter(state=State.DELETED, labels={}), 10, "")
    assert listed == await assets.get(TENANT, source.id)


async def test_pages_follow_one_another_while_assets_come_in(assets: Assets) -> None:
    sources = [a_source(TENANT) for _ in range(5)]
    for source in sources[:4]:
        await assets.take_in(source, FakeDelivery())
    first, token = await assets.page(TENANT, ANY, 3, "")
    await assets.take_in(sources[4], FakeDelivery())
    second, end = await assets.page(TENANT, ANY, 3, token)
    assert [asset.id for asset in first + second] == [source.id for source in reversed(sources[:4])]
    assert end == ""


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
        await assets.update(TENANT, new_id(), Changes(), "")
    with pytest.raises(NotFound, match="asset_not_found"):
        await assets.delete(TENANT, new_id(), "")
