"""What is told, and to whom."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Protocol

from meshkit.errors import Exhausted, Unavailable
from services.notify.domain import position_of

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable
    from contextlib import AbstractAsyncContextManager

    from services.notify.domain import Event, Filter, Told

HEARTBEAT = 10.0
"""Seconds of silence after which a watcher hears that it is still there."""
MOST_BEHIND = 1000
"""Events that a watcher, once it had them all, may fall behind."""


class Delivery(Protocol):
    """A message as its consumer got it; the id is the same over all its deliveries."""

    @property
    def consumer(self) -> str: ...
    @property
    def message_id(self) -> str: ...


class Transaction(Protocol):
    async def first_time(self, consumer: str, message_id: str) -> bool:
        """Whether `consumer` sees the message for the first time; remembered if the transaction commits."""
        ...

    async def tell(self, event: Event) -> None:
        """Puts the event into the feed when the transaction commits."""
        ...


class Store(Protocol):
    def transaction(self) -> AbstractAsyncContextManager[Transaction]: ...


class Follower(Protocol):
    """One reader's place in the feed; it survives what happens to the feed's server."""

    @property
    def position(self) -> int:
        """Of the last event that `next` gave; before the first, where it began."""
        ...

    async def next(self, wait: float) -> Told | None:
        """The next event; None when there was none for `wait` seconds, or for less where the server is away."""
        ...


class Feed(Protocol):
    def follow(self, tenant_id: str, after: int | None) -> AbstractAsyncContextManager[Follower]:
        """The tenant's events after that position; None for what comes from now on. Raises Unavailable."""
        ...


class Events:
    def __init__(
        self,
        store: Store,
        feed: Feed,
        heartbeat: float = HEARTBEAT,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._feed = feed
        self._heartbeat = heartbeat
        self._clock = clock
        self._over = asyncio.Event()

    def end(self) -> None:
        """Every watcher is sent off, to go on elsewhere: a feed has no end of its own to wait for."""
        self._over.set()

    async def take_in(self, event: Event, delivery: Delivery) -> None:
        """Something happened: tell it, once."""
        async with self._store.transaction() as tx:
            if await tx.first_time(delivery.consumer, delivery.message_id):
                await tx.tell(event)

    async def watch(
        self, tenant_id: str, wanted: Filter, last_event_id: str
    ) -> AsyncGenerator[tuple[Told | None, int]]:
        """Events as they happen, after those missed since `last_event_id`; None is a heartbeat, the first at once.

        With each comes the position that the feed was looked through to. Raises Exhausted (`slow_reader`) when events
        come faster than they are taken, and Unavailable (`shutting_down`) after `end`: nothing is lost, the reader goes
        on from its last one.
        """
        async with self._feed.follow(tenant_id, position_of(last_event_id)) as follower:
            yield None, follower.position
            quiet_until, had_all = self._clock() + self._heartbeat, not last_event_id
            while True:
                told = await self._next(follower, max(quiet_until - self._clock(), 0.0))
                if told and had_all and told.behind > MOST_BEHIND:
                    raise Exhausted("slow_reader", "events come faster than they are read: go on from the last one")
                had_all = had_all or (told is not None and told.behind == 0)
                if told and wanted.admits(told.event):
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
