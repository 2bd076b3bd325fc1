"""How long a client may take to say what it wants; nobody holds a connection by saying it slowly."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

import h11
from starlette.exceptions import HTTPException
from uvicorn.protocols.http.h11_impl import H11Protocol

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

HEADERS_WITHIN = 10.0
"""Seconds from the first byte of a request, or from connecting, to the end of its headers."""
HEADERS_LIMIT = 32 * 1024
"""Bytes of a request's line and headers."""
SILENCE = 30.0
"""Seconds between two pieces of a body."""
GRACE = 60.0
PACE = 1024.0
"""Bytes a second that a body must come with after GRACE, on the whole."""


class Impatient(H11Protocol):
    headers_within = HEADERS_WITHIN
    _waiting: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._wait()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self.conn.their_state is not h11.IDLE:
            self._wait_no_more()
        elif self._waiting is None:
            self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        self._wait_no_more()
        super().connection_lost(exc)

    def _wait(self) -> None:
        self._waiting = self.loop.call_later(self.headers_within, self.transport.close)

    def _wait_no_more(self) -> None:
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None


class BodyPace:
    """Refuses a body that does not come on; what is listened for after the body may take its time."""

    def __init__(self, app: ASGIApp, silence: float = SILENCE) -> None:
        self._app = app
        self._silence = silence

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        began, read, whole = time.monotonic(), 0, False

        async def receiving() -> Message:
            nonlocal read, whole
            if whole:
                return await receive()
            left = GRACE + read / PACE - (time.monotonic() - began)
            try:
                async with asyncio.timeout(min(self._silence, left)):
                    message = await receive()
            except TimeoutError:
                raise HTTPException(408) from None
            read += len(message.get("body", b""))
            whole = not message.get("more_body", False)
            return message

        await self._app(scope, receiving, send)
