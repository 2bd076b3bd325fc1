"""What is told and to whom, over fakes."""

from __future__ import annotations

from contextlib import aclosing
from typing import TYPE_CHECKING

import pytest

from meshkit.errors import Exhausted, InvalidArgument, Unavailable
from meshkit.ids import new_id
from services.notify.domain import Filter
from services.notify.service import HEARTBEAT, MOST_BEHIND, Events
from tests.fakes.notify import FakeDelivery, FakeFeed, FakeStore, an_event

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from services.notify.domain import Told

TENANT = new_id()


@pytest.fixture
def store() -> FakeStore:
    return FakeStore()


@pytest.fixture
def feed() -> FakeFeed:
    return FakeFeed()


@pytest.fixture
def events(store: FakeStore, feed: FakeFeed) -> Events:
    return Events(store, feed, clock=lambda: feed.time)


async def types(watched: AsyncGenerator[tuple[Told | None, int]], count: int) -> list[str]:
    """Of the next `count`; a heartbeat is an empty one."""
    seen = [await anext(watched) for _ in range(count)]
    return [told.event.type if told else "" for told, _ in seen]


async def test_an_event_is_told_once(events: Events, store: FakeStore) -> None:
    event, delivery = an_event(TENANT), FakeDelivery()
    await events.take_in(event, delivery)
    await events.take_in(event, delivery)
    assert store.told == [event]


async def test_a_watcher_hears_what_comes_from_now_on(events: Events, feed: FakeFeed) -> None:
    feed.tell(an_event(TENANT, "asset.created"))
    async with aclosing(events.watch(TENANT, Filter(), "")) as watched:
        assert await types(watched, 1) == [""]
        feed.tell(an_event(new_id(), "asset.failed"))
        feed.tell(an_event(TENANT, "asset.ready"))
        assert await types(watched, 1) == ["asset.ready"]


async def test_a_watcher_goes_on_after_its_last_event(events: Events, feed: FakeFeed) -> None:
    last = feed.tell(an_event(TENANT, "asset.created"))
    feed.tell(an_event(TENANT, "asset.playable"))
    feed.tell(an_event(TENANT, "asset.ready"))
    async with aclosing(events.watch(TENANT, Filter(), str(last))) as watched:
        assert await types(watched, 3) == ["", "asset.playable", "asset.ready"]


async def test_a_watcher_hears_only_what_it_wants(events: Events, feed: FakeFeed) -> None:
    asset, job = new_id(), new_id()
    feed.tell(an_event(TENANT, "job.started", asset_id=asset, job_id=job))
    feed.tell(an_event(TENANT, "asset.ready", asset_id=asset))
    feed.tell(an_event(TENANT, "job.failed"))
    for wanted, heard in (
        (Filter(), ["job.started", "asset.ready", "job.failed"]),
        (Filter(asset_id=asset), ["job.started", "asset.ready"]),
        (Filter(job_id=job), ["job.started"]),
        (Filter(types=frozenset({"job.failed", "asset.ready"})), ["asset.ready", "job.failed"]),
        (Filter(asset_id=asset, types=frozenset({"job.started"})), ["job.started"]),
    ):
        async with aclosing(events.watch(TENANT, wanted, "0")) as watched:
            assert await types(watched, len(heard) + 2) == ["", *heard, ""]


async def test_silence_is_broken_by_heartbeats(events: Events, feed: FakeFeed) -> None:
    async with aclosing(events.watch(TENANT, Filter(asset_id="another"), "")) as watched:
        assert await types(watched, 3) == ["", "", ""]
        assert feed.time == 2 * HEARTBEAT
        position = feed.tell(an_event(TENANT))
        assert await anext(watched) == (None, position)
        assert feed.time == 3 * HEARTBEAT


async def test_a_watcher_that_had_all_and_fell_far_behind_is_sent_off(events: Events, feed: FakeFeed) -> None:
    async with aclosing(events.watch(TENANT, Filter(), "")) as watched:
        feed.tell(an_event(TENANT))
        await types(watched, 2)
        for _ in range(MOST_BEHIND + 2):
            feed.tell(an_event(TENANT))
        with pytest.raises(Exhausted, match="slow_reader"):
            await anext(watched)


async def test_a_watcher_that_comes_back_may_have_much_to_catch_up(events: Events, feed: FakeFeed) -> None:
    for _ in range(MOST_BEHIND + 10):
        feed.tell(an_event(TENANT))
    async with aclosing(events.watch(TENANT, Filter(), "0")) as watched:
        assert len(await types(watched, MOST_BEHIND + 11)) == MOST_BEHIND + 11


async def test_nothing_is_left_of_a_watcher_that_went(events: Events, feed: FakeFeed) -> None:
    async with aclosing(events.watch(TENANT, Filter(), "")) as watched:
        await anext(watched)
        assert feed.followers == 1
    assert feed.followers == 0


async def test_every_watcher_is_sent_off_in_the_end(events: Events, feed: FakeFeed) -> None:
    async with aclosing(events.watch(TENANT, Filter(), "")) as watched:
        await anext(watched)
        events.end()
        with pytest.raises(Unavailable, match="shutting_down"):
            await anext(watched)
    assert feed.followers == 0


@pytest.mark.parametrize("event_id", ["x", "-1", "1.5", "²"])
async def test_an_id_that_is_not_ours_is_refused(events: Events, event_id: str) -> None:
    with pytest.raises(InvalidArgument, match="invalid_last_event_id"):
        await anext(events.watch(TENANT, Filter(), event_id))


def test_a_type_that_there_is_not_is_refused() -> None:
    with pytest.raises(InvalidArgument, match="unknown_event_type"):
        Filter(types=frozenset({"asset.ready", "asset.redy"}))
