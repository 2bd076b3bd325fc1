"""How long a client may take to say what it wants; nobody holds a connection by saying it slowly."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

from starlette.exceptions import HTTPException
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

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


class Impatient(HttpToolsProtocol):
    """uvicorn's protocol by httptools: h11 takes much longer over a file that comes in."""

    headers_within = HEADERS_WITHIN
    _waiting: asyncio.TimerHandle | None = None
    _heard = 0
    """Bytes since the request began, while its headers are not complete."""
    _headed = 0
    """Bytes of its line and of the headers that are."""

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._wait()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self._waiting is not None:
            self._heard += len(data)
            if self._heard > HEADERS_LIMIT:
                self._wait_no_more()
                self.send_400_response("The headers are too long.")

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._heard = self._headed = 0
        if self._waiting is None:
            self._wait()

    def on_url(self, url: bytes) -> None:
        super().on_url(url)
        self._count(len(url))

    def on_header(self, name: bytes, value: bytes) -> None:
        super().on_header(name, value)
        self._count(len(name) + len(value))

    def on_headers_complete(self) -> None:
        self._wait_no_more()
        super().on_headers_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        self._wait_no_more()
        super().connection_lost(exc)

    def _count(self, size: int) -> None:
        self._headed += size
        if self._headed > HEADERS_LIMIT:
            # The parser makes it an error of its own, which is answered with 400.
            raise ValueError("the headers are too long")

    def _wait(self) -> None:
        self._waiting = self.loop.call_later(self.headers_within, self.transport.close)

    def _wait_no_more(self) -> None:
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None


class BodyPace:
    """Refuses a body that does not come on; what is listened for after the body may take its time."""

    def __init__(self, app: ASGIApp, silence: float = SILENCE, grace: float = GRACE) -> None:
        self._app = app
        self._silence = silence
        self._grace = grace

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        began, read, whole = time.monotonic(), 0, False

        async def receiving() -> Message:
            nonlocal read, whole
            if whole:
                return await receive()
            left = self._grace + read / PACE - (time.monotonic() - began)
            try:
                async with asyncio.timeout(min(self._silence, left)):
                    message = await receive()
            except TimeoutError:
                raise HTTPException(408) from None
            read += len(message.get("body", b""))
            whole = not message.get("more_body", False)
            return message

        await self._app(scope, receiving, send)
