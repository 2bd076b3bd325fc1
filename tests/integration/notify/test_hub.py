"""One consumer for all who watch a tenant, without a gap for those who come late."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from functools import partial
from typing import TYPE_CHECKING

import pytest

from meshkit.errors import Exhausted
from meshkit.ids import new_id
from services.notify.channels import JetStreamFeed
from services.notify.domain import Filter
from services.notify.hub import MOST_WAITING, SharedFeed
from tests.eventually import eventually
from tests.integration.notify.test_feed import tell, watchers

if TYPE_CHECKING:
    from meshkit.nats import Bus
    from services.notify.ports import Follower

WAIT = 5.0


async def positions(follower: Follower, count: int) -> list[int]:
    heard: list[int] = []
    async with asyncio.timeout(60):
        while len(heard) < count:
            if told := await follower.next(WAIT):
                heard.append(told.position)
    return heard


async def test_many_watch_by_one_consumer(bus: Bus) -> None:
    tenant, feed = new_id(), SharedFeed(JetStreamFeed(bus))
    async with AsyncExitStack() as stack:
        async with asyncio.TaskGroup() as group:
            coming = [
                group.create_task(stack.enter_async_context(feed.follow(tenant, None, Filter()))) for _ in range(50)
            ]
        assert len(await watchers(bus, tenant)) == 1
        for _ in range(3):
            await tell(bus, tenant)
        heard = [await positions(each.result(), 3) for each in coming]
        assert len({tuple(each) for each in heard}) == 1
    assert await watchers(bus, tenant) == []


async def test_each_hears_what_it_wants_and_knows_how_far_it_looked(bus: Bus) -> None:
    tenant, feed = new_id(), SharedFeed(JetStreamFeed(bus))
    async with feed.follow(tenant, None, Filter()) as all_of_it:
        event = await tell(bus, tenant)
        # Who comes while news is on its way hears it, too.
        [first] = await positions(all_of_it, 1)
        wanted = Filter(asset_id=event.asset_id)
        async with feed.follow(tenant, None, wanted) as one, feed.follow(tenant, 0, wanted) as late:
            await tell(bus, tenant)
            [second] = await positions(all_of_it, 1)
            assert await positions(late, 1) == [first]
            for follower in (one, late):
                await eventually(partial(has_looked_at, follower, second))


async def has_looked_at(follower: Follower, position: int) -> bool:
    """All up to there, and none of it is for him."""
    assert await follower.next(0.1) is None
    return follower.position == position


async def test_who_comes_late_misses_nothing_while_more_happens(bus: Bus) -> None:
    tenant, feed = new_id(), SharedFeed(JetStreamFeed(bus))
    async with feed.follow(tenant, None, Filter()) as live:
        for _ in range(20):
            await tell(bus, tenant)

        async def more() -> None:
            for _ in range(60):
                await tell(bus, tenant)

        telling = asyncio.create_task(more())
        async with feed.follow(tenant, 0, Filter()) as late:
            assert await positions(late, 80) == await positions(live, 80)
        await telling


async def test_who_is_too_slow_is_sent_off_and_goes_on(bus: Bus) -> None:
    tenant, feed = new_id(), SharedFeed(JetStreamFeed(bus))
    async with feed.follow(tenant, None, Filter()) as live, feed.follow(tenant, None, Filter()) as slow:
        await asyncio.gather(*[tell(bus, tenant) for _ in range(MOST_WAITING)])
        # Somebody else keeps up.
        every = await positions(live, MOST_WAITING)
        last = (await positions(slow, 1))[0]
        await asyncio.gather(*[tell(bus, tenant) for _ in range(10)])
        every += await positions(live, 10)
        with pytest.raises(Exhausted, match="slow_reader"):
            await slow.next(WAIT)
    async with feed.follow(tenant, last, Filter()) as again:
        assert await positions(again, len(every) - 1) == every[1:]
