"""One reader of the feed for each tenant, shared by all who watch.

A thousand pages of one tenant cost one consumer in JetStream, and an event costs each of them no more than the question
whether it wants it. Who comes with a position behind joins first, so that nothing new is missed, and reads what is
between by a consumer of its own.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from meshkit.errors import Exhausted
from meshkit.telemetry import log

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from services.notify.channels import JetStreamFeed, JetStreamFollower
    from services.notify.domain import Filter, Told

_LOOK = 5.0
MOST_WAITING = 1100
"""Events kept for a watcher that does not take them: a few more than it may fall behind."""


class SharedFeed:
    def __init__(self, feed: JetStreamFeed) -> None:
        self._feed = feed
        self._hubs: dict[str, Hub] = {}

    @asynccontextmanager
    async def follow(self, tenant_id: str, after: int | None, wanted: Filter) -> AsyncIterator[Watcher]:
        hub = self._hubs.setdefault(tenant_id, Hub(self._feed, tenant_id))
        watcher = Watcher(wanted)
        hub.watchers.add(watcher)
        try:
            watcher.join(await hub.begun())
            if after is not None:
                await watcher.go_back(self._feed, tenant_id, after)
            yield watcher
        finally:
            await watcher.end()
            hub.watchers.discard(watcher)
            if not hub.watchers and self._hubs.get(tenant_id) is hub:
                del self._hubs[tenant_id]
                await hub.end()


class Hub:
    """Reads a tenant's events once, for as long as anybody watches."""

    def __init__(self, feed: JetStreamFeed, tenant_id: str) -> None:
        self.watchers: set[Watcher] = set()
        self.position = 0
        self._feed = feed
        self._tenant_id = tenant_id
        self._reading: asyncio.Task[None] | None = None
        self._begun: asyncio.Future[None]

    async def begun(self) -> Hub:
        """Raises Unavailable."""
        if self._reading is None or self._reading.done():
            self._begun = asyncio.get_running_loop().create_future()
            self._reading = asyncio.create_task(self._read(self._begun), name="read the feed")
        await asyncio.shield(self._begun)
        return self

    async def end(self) -> None:
        if self._reading:
            self._reading.cancel()
            await asyncio.wait({self._reading})

    async def _read(self, begun: asyncio.Future[None]) -> None:
        try:
            async with self._feed.follow(self._tenant_id, None) as follower:
                self.position = follower.position
                begun.set_result(None)
                while True:
                    self._hand_out(await follower.next(_LOOK))
        except Exception as error:
            if not begun.done():
                begun.set_exception(error)
                return
            log.exception("feed broke off")
            for watcher in self.watchers:
                watcher.fail(error)

    def _hand_out(self, told: Told | None) -> None:
        if told is None:
            return
        anew, self.position = told.position <= self.position, told.position
        for watcher in self.watchers:
            watcher.offer(told, anew=anew)


class Watcher:
    """One reader's place; `next` gives only what it wants."""

    def __init__(self, wanted: Filter) -> None:
        self._failure: Exception | None = None
        self._wanted = wanted
        self._hub: Hub | None = None
        self._waiting: deque[Told] = deque()
        self._awake = asyncio.Event()
        self._seen = 0
        self._given = 0
        self._dropped = 0
        self._back: JetStreamFollower | None = None
        self._stack = contextlib.AsyncExitStack()

    @property
    def position(self) -> int:
        """Up to which the feed was looked through for it."""
        if self._back:
            return self._back.position
        return self._given if self._waiting or self._hub is None else max(self._hub.position, self._seen)

    def join(self, hub: Hub) -> None:
        self._hub, self._given = hub, hub.position

    def fail(self, error: Exception) -> None:
        self._failure = error
        self._awake.set()

    def offer(self, told: Told, *, anew: bool) -> None:
        if anew:
            # The feed lost its store, and counts from the beginning.
            self._seen = self._dropped = 0
        if self._hub is None or told.position <= self._seen or not self._wanted.admits(told.event):
            return
        self._waiting.append(told)
        if len(self._waiting) > MOST_WAITING:
            # Who is still on the way comes by it again; who is not is too slow.
            self._dropped = self._waiting.popleft().position
            if not self._back:
                self._failure = Exhausted(
                    "slow_reader", "events come faster than they are read: go on from the last one"
                )
        self._awake.set()

    async def go_back(self, feed: JetStreamFeed, tenant_id: str, after: int) -> None:
        """What came after that position first."""
        follower = await self._stack.enter_async_context(feed.follow(tenant_id, after))
        if follower.position == after:
            self._seen = after
        self._given = follower.position
        if follower.pending:
            self._back = follower
        else:
            await self._caught_up(follower.position)

    async def next(self, wait: float) -> Told | None:
        if self._back:
            return await self._before(self._back, wait)
        if self._failure:
            raise self._failure
        if not self._waiting:
            self._awake.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(wait):
                    await self._awake.wait()
        if not self._waiting:
            return None
        told = replace(self._waiting.popleft(), behind=len(self._waiting))
        self._given = told.position
        return told

    async def end(self) -> None:
        self._back = None
        await self._stack.aclose()

    async def _before(self, follower: JetStreamFollower, wait: float) -> Told | None:
        told = await follower.next(wait)
        if told is None:
            if follower.pending == 0:
                await self._caught_up(follower.position)
            return None
        if told.behind == 0:
            await self._caught_up(told.position)
        return told if self._wanted.admits(told.event) else None

    async def _caught_up(self, position: int) -> None:
        """From here on by what was collected meanwhile, unless that was too much to keep."""
        if self._dropped > position:
            return
        await self.end()
        self._given = self._seen = position
        while self._waiting and self._waiting[0].position <= position:
            self._waiting.popleft()
