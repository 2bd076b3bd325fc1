"""The live feed behind the gateway, in memory."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from reelmesh.notify.v1 import notify_pb2, notify_pb2_grpc

from meshkit.auth import caller
from meshkit.errors import MeshError, Unavailable

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@dataclass
class FakeNotify(notify_pb2_grpc.NotifyServiceServicer):
    """Tells at once where its feed is, then what comes; `break_off` ends every feed as a restart does."""

    events: list[notify_pb2.Event] = field(default_factory=list)
    requests: list[notify_pb2.WatchEventsRequest] = field(default_factory=list)
    watching: int = 0
    refusal: MeshError | None = None
    _changed: asyncio.Event = field(default_factory=asyncio.Event)
    _broken: int = 0

    def tell(self, tenant_id: str, kind: str, **data: Any) -> notify_pb2.Event:
        event = notify_pb2.Event(id=str(len(self.events) + 1), type=kind, tenant_id=tenant_id)
        event.create_time.GetCurrentTime()
        event.data.update(data)
        self.events.append(event)
        self._wake()
        return event

    def break_off(self) -> None:
        self._broken += 1
        self._wake()

    async def WatchEvents(self, request: Any, context: Any) -> AsyncIterator[notify_pb2.WatchEventsResponse]:
        self.requests.append(request)
        if self.refusal:
            raise self.refusal
        broken, seen = self._broken, int(request.last_event_id or len(self.events))
        self.watching += 1
        try:
            yield notify_pb2.WatchEventsResponse(last_event_id=str(seen))
            while True:
                for event in self.events[seen:]:
                    seen += 1
                    if event.tenant_id == caller().tenant_id:
                        yield notify_pb2.WatchEventsResponse(event=event, last_event_id=event.id)
                if self._broken != broken:
                    raise Unavailable("notify_restarts")
                await self._changed.wait()
        finally:
            self.watching -= 1

    def _wake(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()
