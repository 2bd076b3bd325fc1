"""How long a client may take to say what it wants; nobody holds a connection by saying it slowly."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

from starlette.exceptions import HTTPException
from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

HEADERS_WITHIN = 10.0
"""Seconds from the first byte of a request, or from connecting, to the end of its headers."""
HEADERS_LIMIT = 32 * 1024
"""Bytes of a request's line and headers."""
SILENCE = 30.0
"""Seconds between two pieces of a body."""
READ_AT_ONCE = 1 << 20
"""Bytes. What each piece of a file costs on its way through is the same for a large one."""
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

    def data_received(self, data: bytes | memoryview) -> None:
        super().data_received(data)  # type: ignore[arg-type]  # its parser takes any buffer
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

    def on_body(self, body: bytes) -> None:
        """As uvicorn's own, which copies every piece twice; most are all that there is when they are asked for."""
        cycle = self.cycle
        if cycle.response_complete or cycle.body:
            super().on_body(body)
            return
        cycle.body = body  # type: ignore[assignment]  # it is made bytes when it is asked for, and is added to
        if len(body) > HIGH_WATER_LIMIT:
            self.flow.pause_reading()
        cycle.message_event.set()

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


class Buffered(asyncio.BufferedProtocol):
    """An Impatient for which the loop reads into memory that is there already, and more at a time than of itself.

    All connections share the memory: what is read is parsed, and copied out of it, before anything else is read.
    """

    _buffer = memoryview(bytearray(READ_AT_ONCE))

    def __init__(self, **given: Any) -> None:
        self._inner = Impatient(**given)

    def get_buffer(self, _: int) -> memoryview:
        return self._buffer

    def buffer_updated(self, nbytes: int) -> None:
        self._inner.data_received(self._buffer[:nbytes])

    def connection_made(self, transport: Any) -> None:
        self._inner.connection_made(transport)

    def connection_lost(self, exc: Exception | None) -> None:
        self._inner.connection_lost(exc)

    def eof_received(self) -> None:
        self._inner.eof_received()

    def pause_writing(self) -> None:
        self._inner.pause_writing()

    def resume_writing(self) -> None:
        self._inner.resume_writing()


class _Watch:
    """Ends a wait that takes too long, by one timer for a whole body: `asyncio.timeout` makes one for every piece."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._waiting: asyncio.Task[Any] | None = None
        self._due = 0.0
        self._over = False

    async def wait(self, receive: Receive, within: float) -> Message:
        """Raises HTTPException."""
        self._due = self._loop.time() + within
        if self._timer is None or self._due < self._timer.when():
            self.close()
            self._timer = self._loop.call_at(self._due, self._look)
        self._waiting = task = asyncio.current_task()
        try:
            return await receive()
        except asyncio.CancelledError:
            if not self._over or task is None or task.uncancel():
                raise
            raise HTTPException(408) from None
        finally:
            self._waiting = None

    def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def _look(self) -> None:
        self._timer = None
        if self._waiting is None:
            return
        if self._loop.time() < self._due:
            self._timer = self._loop.call_at(self._due, self._look)
        else:
            self._over = True
            self._waiting.cancel()


class BodyPace:
    """Refuses a body that does not come on; what is listened for after the body may take its time."""

    def __init__(self, app: ASGIApp, silence: float = SILENCE, grace: float = GRACE) -> None:
        self._app = app
        self._silence = silence
        self._grace = grace

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        began, read, whole, watch = time.monotonic(), 0, False, _Watch()

        async def receiving() -> Message:
            nonlocal read, whole
            if whole:
                return await receive()
            left = self._grace + read / PACE - (time.monotonic() - began)
            message = await watch.wait(receive, min(self._silence, left))
            read += len(message.get("body", b""))
            whole = not message.get("more_body", False)
            return message

        try:
            await self._app(scope, receiving, send)
        finally:
            watch.close()
