"""The fake feed and JetStream keep the same promises."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from meshkit.ids import new_id
from services.notify import wire
from services.notify.channels import JetStreamFeed
from services.notify.domain import Filter
from services.notify.hub import SharedFeed
from tests.fakes.notify import FakeFeed, an_event

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from meshkit.nats import Bus
    from services.notify.domain import Event
    from services.notify.ports import Feed, Follower

WAIT = 5.0
SOON = 0.1


@dataclass
class Told:
    """A feed, and how it is told something."""

    feed: Feed
    tell: Callable[[Event], Awaitable[int]]


@pytest.fixture(params=["fake", "jetstream"])
async def told(request: pytest.FixtureRequest, bus: Bus) -> Told:
    if request.param == "fake":
        fake = FakeFeed()

        async def tell(event: Event) -> int:
            return fake.tell(event)

        return Told(fake, tell)

    async def publish(event: Event) -> int:
        payload = wire.to_event(event).SerializeToString()
        return (await bus.js.publish(f"feed.{event.tenant_id}.{event.type}", payload)).seq

    return Told(SharedFeed(JetStreamFeed(bus)), publish)


async def following(follower: Follower, count: int) -> list[tuple[int, Event, int]]:
    heard = []
    for _ in range(count):
        told = await follower.next(WAIT)
        assert told
        heard.append((told.position, told.event, told.behind))
    return heard


async def test_what_comes_from_now_on(told: Told) -> None:
    tenant = new_id()
    await told.tell(an_event(tenant))
    async with told.feed.follow(tenant, None, Filter()) as follower:
        assert await follower.next(SOON) is None
        event = an_event(tenant)
        position = await told.tell(event)
        assert await following(follower, 1) == [(position, event, 0)]
        assert follower.position == position


async def test_what_came_after_a_position_in_order(told: Told) -> None:
    tenant = new_id()
    events = [an_event(tenant) for _ in range(3)]
    positions = [await told.tell(event) for event in events]
    async with told.feed.follow(tenant, positions[0], Filter()) as follower:
        assert follower.position == positions[0]
        assert await following(follower, 2) == [(positions[1], events[1], 1), (positions[2], events[2], 0)]
        assert await follower.next(SOON) is None


async def test_nothing_of_another_tenant(told: Told) -> None:
    tenant = new_id()
    before = await told.tell(an_event(new_id()))
    async with told.feed.follow(tenant, before - 1, Filter()) as follower:
        assert await follower.next(SOON) is None
        await told.tell(an_event(new_id()))
        assert await follower.next(SOON) is None


async def test_a_position_ahead_of_the_feed_is_of_a_feed_that_was_lost(told: Told) -> None:
    tenant = new_id()
    event = an_event(tenant)
    position = await told.tell(event)
    async with told.feed.follow(tenant, position + 1_000_000_000_000, Filter()) as follower:
        assert await following(follower, 1) == [(position, event, 0)]
