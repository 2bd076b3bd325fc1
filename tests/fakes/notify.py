"""Fakes of what the notify service needs from outside, and events to tell."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from meshkit.ids import new_id
from services.notify.domain import Event, Filter, Told
from tests.fakes.webhooks import FakeRows, undone_on_error

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from contextlib import AbstractAsyncContextManager


def an_event(tenant_id: str, event_type: str = "asset.ready", *, asset_id: str = "", job_id: str = "") -> Event:
    return Event(
        type=event_type,
        tenant_id=tenant_id,
        create_time=datetime(2026, 1, 1, tzinfo=UTC),
        asset_id=asset_id or new_id(),
        job_id=job_id,
        data={"state": "ready", "labels": {"match_id": "7"}, "outputs": []},
    )


@dataclass(frozen=True, kw_only=True)
class FakeDelivery:
    consumer: str = "notify-tests-all"
    message_id: str = field(default_factory=new_id)


@dataclass
class FakeStore(FakeRows):
    seen: set[tuple[str, str]] = field(default_factory=set)
    told: list[Event] = field(default_factory=list)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[FakeStore]:
        async with undone_on_error(self, "seen", "told", "hooks", "request_ids", "rows", "leases", "disabled"):
            yield self

    def at_once(self) -> AbstractAsyncContextManager[FakeStore]:
        return self.transaction()

    async def first_time(self, consumer: str, message_id: str) -> bool:
        first = (consumer, message_id) not in self.seen
        self.seen.add((consumer, message_id))
        return first

    async def tell(self, event: Event) -> None:
        self.told.append(event)


@dataclass
class FakeFeed:
    """Its time is its own: it passes while a follower waits."""

    events: list[Event] = field(default_factory=list)
    time: float = 0.0
    followers: int = 0

    def tell(self, event: Event) -> int:
        self.events.append(event)
        return len(self.events)

    @asynccontextmanager
    async def follow(self, tenant_id: str, after: int | None, wanted: Filter) -> AsyncIterator[FakeFollower]:
        end = len(self.events)
        position = end if after is None else after
        self.followers += 1
        try:
            yield FakeFollower(self, tenant_id, position if position <= end else 0, wanted)
        finally:
            self.followers -= 1


@dataclass
class FakeFollower:
    feed: FakeFeed
    tenant_id: str
    position: int
    wanted: Filter

    async def next(self, wait: float) -> Told | None:
        coming = [
            (position, event)
            for position, event in enumerate(self.feed.events, start=1)
            if position > self.position and event.tenant_id == self.tenant_id
        ]
        if not coming:
            self.feed.time += wait
            return None
        self.position, event = coming[0]
        if not self.wanted.admits(event):
            return None
        return Told(position=self.position, event=event, behind=len(coming) - 1)
