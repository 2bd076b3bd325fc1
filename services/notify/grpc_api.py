"""NotifyService over gRPC."""

from __future__ import annotations

from contextlib import aclosing
from typing import TYPE_CHECKING, Any

from reelmesh.notify.v1 import notify_pb2, notify_pb2_grpc

from meshkit.auth import caller
from meshkit.grpc.server import service_scopes
from services.notify import wire

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from services.notify.service import Events

SERVICE = notify_pb2.DESCRIPTOR.services_by_name["NotifyService"]
SCOPES = service_scopes(SERVICE, WatchEvents="events:read")


class NotifyApi(notify_pb2_grpc.NotifyServiceServicer):
    def __init__(self, events: Events) -> None:
        self._events = events

    async def WatchEvents(
        self, request: notify_pb2.WatchEventsRequest, context: Any
    ) -> AsyncIterator[notify_pb2.WatchEventsResponse]:
        events = self._events.watch(caller().tenant_id, wire.from_watch(request), request.last_event_id)
        async with aclosing(events):
            async for told, position in events:
                yield wire.to_response(told, position)
