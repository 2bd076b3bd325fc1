"""A tenant's events as server-sent events, for as long as the client listens and the gateway serves."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fastapi.sse import format_sse_event
from grpc.aio import AioRpcError

from meshkit import public
from meshkit.auth import act_for
from meshkit.errors import Unavailable
from meshkit.grpc import status
from meshkit.telemetry import log
from services.gateway.channels import TIMEOUT

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable

    from reelmesh.notify.v1 import notify_pb2, notify_pb2_grpc

    from meshkit.auth import Caller

HEARTBEAT = 15.0
"""Seconds of silence; proxies give a connection up after thirty or more."""
RETRY = 1.0
"""Seconds until notify is called again."""
_OPENING = format_sse_event(retry=2000)
_BEAT = format_sse_event(comment="heartbeat")


@dataclass(frozen=True, slots=True, kw_only=True)
class Feed:
    notify: notify_pb2_grpc.NotifyServiceAsyncStub
    stop: asyncio.Event
    heartbeat: float = HEARTBEAT

    async def open(
        self, request: notify_pb2.WatchEventsRequest, authenticate: Callable[[], Awaitable[Caller]]
    ) -> AsyncGenerator[bytes]:
        """The frames of the feed. Raises what notify refuses it with, before the first frame."""
        frames = self._frames(self._events(request, authenticate))
        # Begun here, so that it also ends when its client is gone before the first frame.
        await anext(frames)
        return frames

    async def _frames(self, events: AsyncGenerator[notify_pb2.WatchEventsResponse]) -> AsyncGenerator[bytes]:
        over = asyncio.ensure_future(self.stop.wait())
        coming = asyncio.ensure_future(anext(events))
        try:
            # Notify says at once that it is there, or that it refuses.
            await asyncio.wait({coming}, timeout=TIMEOUT)
            if not coming.done():
                raise Unavailable("notify_unavailable", "the feed does not begin")
            coming.result()
            yield b""
            yield _OPENING
            while not over.done():
                await asyncio.wait({coming, over}, timeout=self.heartbeat, return_when=asyncio.FIRST_COMPLETED)
                if coming.done() and coming.exception():
                    log.info("feed ended", error=str(coming.exception()))
                    return
                if coming.done():
                    yield frame(coming.result())
                    coming = asyncio.ensure_future(anext(events))
                elif not over.done():
                    yield _BEAT
        finally:
            over.cancel()
            if not coming.cancel():
                await events.aclose()

    async def _events(
        self, request: notify_pb2.WatchEventsRequest, authenticate: Callable[[], Awaitable[Caller]]
    ) -> AsyncGenerator[notify_pb2.WatchEventsResponse]:
        """Goes on after the last event when notify goes away and comes back; connections there have an age limit."""
        answered = False
        while True:
            act_for(await authenticate())
            call = self.notify.WatchEvents(request)
            try:
                async for response in call:
                    answered = True
                    request.last_event_id = response.last_event_id or request.last_event_id
                    yield response
            except AioRpcError as error:
                if not answered or status.from_rpc_error(error).http_status < 500:
                    raise
            finally:
                call.cancel()
            await asyncio.sleep(RETRY)


def frame(response: notify_pb2.WatchEventsResponse) -> bytes:
    """One event; or a heartbeat, whose id resumes the feed as well as an event's."""
    if not response.HasField("event"):
        return format_sse_event(comment="heartbeat", id=response.last_event_id or None)
    event = response.event
    body = {"type": event.type, "timestamp": event.create_time.ToJsonString(), "data": public.data(event.data)}
    return format_sse_event(id=event.id, event=event.type, data_str=json.dumps(body, separators=(",", ":")))
