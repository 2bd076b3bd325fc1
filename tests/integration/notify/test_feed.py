"""The feed's followers, when NATS forgets, restarts or loses everything."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest_asyncio

from local.home import home_at
from local.infra import planned
from meshkit.ids import new_id
from meshkit.nats import connected
from meshkit.topology import FEED
from services.notify import wire
from services.notify.channels import JetStreamFeed
from tests.eventually import eventually
from tests.fakes.notify import an_event

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from local.infra import RunningInfra
    from meshkit.nats import Bus
    from services.notify.domain import Event
    from services.notify.ports import Follower

WAIT = 5.0


@pytest_asyncio.fixture(loop_scope="session")
async def running(tmp_path: Path) -> AsyncIterator[RunningInfra]:
    """NATS alone, to be broken."""
    home = home_at(tmp_path / "home")
    async with home.held():
        running = planned(home, durable=False)
        await running.start("nats")
        yield running
        await running.stop("nats")


async def tell(bus: Bus, tenant_id: str) -> Event:
    event = an_event(tenant_id)
    payload = wire.to_event(event).SerializeToString()
    await bus.publish(f"feed.{tenant_id}.{event.type}", payload, {}, new_id())
    return event


async def heard(follower: Follower) -> Event:
    async def next_one() -> Event | None:
        told = await follower.next(WAIT)
        return told.event if told else None

    event = await eventually(next_one, within=30.0)
    assert event
    return event


async def watchers(bus: Bus, tenant_id: str) -> list[str]:
    infos = await bus.js.consumers_info(FEED)
    return [info.name for info in infos if info.config.filter_subject == f"feed.{tenant_id}.>"]


async def test_a_silent_feed_asks_seldom(bus: Bus) -> None:
    async with JetStreamFeed(bus).follow(new_id(), None) as follower:
        asked = bus.client.stats["out_msgs"]
        assert await follower.next(1.0) is None
        assert bus.client.stats["out_msgs"] - asked == 1


async def test_a_follower_that_ends_leaves_nothing(bus: Bus) -> None:
    tenant = new_id()
    async with JetStreamFeed(bus).follow(tenant, None):
        assert len(await watchers(bus, tenant)) == 1
    assert await watchers(bus, tenant) == []


async def test_a_consumer_that_the_server_forgot_is_made_anew(bus: Bus) -> None:
    tenant = new_id()
    async with JetStreamFeed(bus).follow(tenant, None) as follower:
        first = await tell(bus, tenant)
        assert await heard(follower) == first
        for name in await watchers(bus, tenant):
            await bus.js.delete_consumer(FEED, name)
        second = await tell(bus, tenant)
        assert await heard(follower) == second
    assert await watchers(bus, tenant) == []


async def test_a_follower_outlives_a_restart_and_misses_nothing(running: RunningInfra) -> None:
    tenant = new_id()
    async with connected(running.infra.nats_url, "tests") as bus, JetStreamFeed(bus).follow(tenant, None) as follower:
        events = [await tell(bus, tenant) for _ in range(2)]
        assert await heard(follower) == events[0]
        await running.restart("nats")
        await eventually(lambda: bus.client.is_connected)
        events.append(await tell(bus, tenant))
        assert [await heard(follower), await heard(follower)] == events[1:]


async def test_a_follower_begins_again_where_the_store_was_lost(running: RunningInfra) -> None:
    tenant = new_id()
    async with connected(running.infra.nats_url, "tests") as bus, JetStreamFeed(bus).follow(tenant, None) as follower:
        before = [await tell(bus, tenant) for _ in range(3)]
        assert [await heard(follower) for _ in range(3)] == before
        await running.wipe_nats()
        await eventually(lambda: bus.client.is_connected)
        assert await follower.next(0.1) is None
        await bus.ensure()
        # As many as there were: their positions tell nothing of the loss.
        events = [await tell(bus, tenant) for _ in range(3)]
        assert [await heard(follower) for _ in range(3)] == events
