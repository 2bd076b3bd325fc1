"""What is told, and to whom."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from meshkit.clock import utc_now
from meshkit.errors import Exhausted, Unavailable
from services.notify.domain import position_of
from services.notify.telling import tell

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable
    from datetime import datetime

    from services.notify.domain import Event, Filter, Told
    from services.notify.ports import Delivered, Feed, Follower, Store

HEARTBEAT = 10.0
"""Seconds of silence after which a watcher hears that it is still there."""
MOST_BEHIND = 1000
"""Events that a watcher, once it had them all, may fall behind."""


class Events:
    def __init__(
        self,
        store: Store,
        feed: Feed,
        heartbeat: float = HEARTBEAT,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        self._store = store
        self._feed = feed
        self._heartbeat = heartbeat
        self._clock = clock
        self._now = now
        self._over = asyncio.Event()

    def end(self) -> None:
        """Every watcher is sent off, to go on elsewhere: a feed has no end of its own to wait for."""
        self._over.set()

    async def take_in(self, event: Event, delivered: Delivered) -> None:
        """Something happened: tell it, once."""
        async with self._store.transaction() as tx:
            if await tx.first_time(delivered.consumer, delivered.message_id):
                await tell(tx, event, delivered.message_id, self._now())

    async def watch(
        self, tenant_id: str, wanted: Filter, last_event_id: str
    ) -> AsyncGenerator[tuple[Told | None, int]]:
        """Events as they happen, after those missed since `last_event_id`; None is a heartbeat, the first at once.

        With each comes the position that the feed was looked through to. Raises Exhausted (`slow_reader`) when events
        come faster than they are taken, and Unavailable (`shutting_down`) after `end`: nothing is lost, the reader goes
        on from its last one.
        """
        async with self._feed.follow(tenant_id, position_of(last_event_id), wanted) as follower:
            yield None, follower.position
            quiet_until, had_all = self._clock() + self._heartbeat, not last_event_id
            while True:
                told = await self._next(follower, max(quiet_until - self._clock(), 0.0))
                if told and had_all and told.behind > MOST_BEHIND:
                    raise Exhausted("slow_reader", "events come faster than they are read: go on from the last one")
                had_all = had_all or (told is not None and told.behind == 0)
                if told:
                    yield told, told.position
                elif self._clock() >= quiet_until:
                    yield None, follower.position
                else:
                    continue
                quiet_until = self._clock() + self._heartbeat

    async def _next(self, follower: Follower, wait: float) -> Told | None:
        coming, over = asyncio.ensure_future(follower.next(wait)), asyncio.ensure_future(self._over.wait())
        try:
            await asyncio.wait({coming, over}, return_when=asyncio.FIRST_COMPLETED)
            if over.done():
                raise Unavailable("shutting_down", "this replica is going away: go on from the last event")
            return await coming
        finally:
            coming.cancel()
            over.cancel()
