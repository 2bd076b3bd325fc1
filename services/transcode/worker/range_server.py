"""Serve one source on loopback, in ranges (HTTP/1.1, RFC 9110 section 14), to the one program that knows its path."""

from __future__ import annotations

import asyncio
import re
import secrets
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from meshkit.errors import MeshError
from services.transcode.media.source import Loopback
from services.transcode.worker.blocks import BLOCK

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from services.transcode.worker.blocks import Blocks

_LONGEST_HEAD = 8192
_RANGE = re.compile(r"bytes=(?!-$)(\d*)-(\d*)")


@dataclass(slots=True)
class Serving:
    """`failure` is why the reader did not get all that it asked for: then its verdict on the source means nothing.

    `hear` is told of each block that is read.
    """

    source: Loopback
    blocks: Blocks
    hear: Callable[[int, bytes], None]
    failure: MeshError | None = None


@asynccontextmanager
async def serving(blocks: Blocks, hear: Callable[[int, bytes], None]) -> AsyncIterator[Serving]:
    """Serves until the context ends, on a port that the kernel picks."""
    connections: set[asyncio.Task[None]] = set()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        me = asyncio.current_task()
        assert me is not None
        connections.add(me)
        try:
            await _converse(serves, reader, writer)
        except asyncio.CancelledError:
            # By us, below. The server's own callback would take it for an error.
            return
        finally:
            connections.discard(me)
            writer.transport.abort()

    server = await asyncio.start_server(connected, "127.0.0.1", 0, limit=_LONGEST_HEAD)
    port = server.sockets[0].getsockname()[1]
    source = Loopback(port=port, token=secrets.token_urlsafe(32), size=blocks.size)
    serves = Serving(source, blocks, hear)
    try:
        yield serves
    finally:
        server.close()
        for each in connections:
            each.cancel()
        await asyncio.gather(*connections, return_exceptions=True)


@dataclass(frozen=True, slots=True)
class _Request:
    """`wanted` is the one range asked for, as "first" and "last"; a header that lists several is to be ignored."""

    method: str
    path: str
    wanted: tuple[str, str] | None
    close: bool


async def _converse(serves: Serving, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    # A reader that goes away in the middle of an answer has only moved on to another range.
    with suppress(OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError):
        while True:
            request = _parsed(await reader.readuntil(b"\r\n\r\n"))
            try:
                await _answer(serves, request, writer)
            except MeshError as failure:
                # Half an answer went out: only the connection's end can say so.
                serves.failure = failure
                return
            await writer.drain()
            if request.close:
                writer.close()
                await writer.wait_closed()
                return


def _parsed(head: bytes) -> _Request:
    """Raises ValueError for what is no request."""
    first, *lines = head.decode("latin-1").split("\r\n")
    method, path, _ = first.split(" ")
    fields = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    wanted = _RANGE.fullmatch(fields.get("range", ""))
    close = fields.get("connection", "").lower() == "close"
    return _Request(method, path, (wanted[1], wanted[2]) if wanted else None, close)


async def _answer(serves: Serving, request: _Request, writer: asyncio.StreamWriter) -> None:
    size = serves.blocks.size
    if not secrets.compare_digest(request.path.encode(), f"/{serves.source.token}".encode()):
        _head(writer, "404 Not Found", 0)
        return
    if request.method not in ("GET", "HEAD"):
        _head(writer, "405 Method Not Allowed", 0, "Allow: GET, HEAD")
        return
    start, end = _span(*request.wanted, size) if request.wanted else (0, size)
    if request.wanted is None:
        _head(writer, "200 OK", size)
    elif start < end:
        _head(writer, "206 Partial Content", end - start, f"Content-Range: bytes {start}-{end - 1}/{size}")
    else:
        _head(writer, "416 Range Not Satisfiable", 0, f"Content-Range: bytes */{size}")
    if request.method == "GET":
        await _body(serves, start, end, writer)


def _head(writer: asyncio.StreamWriter, status: str, length: int, *more: str) -> None:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {length}", "Accept-Ranges: bytes", *more]
    writer.write(("\r\n".join(lines) + "\r\n\r\n").encode())


def _span(first: str, last: str, size: int) -> tuple[int, int]:
    """The first byte of a range and its end."""
    if not first:
        return max(0, size - int(last)), size
    return int(first), min(int(last) + 1, size) if last else size


async def _body(serves: Serving, start: int, end: int, writer: asyncio.StreamWriter) -> None:
    while start < end:
        number = start // BLOCK
        block = await serves.blocks.block(number)
        serves.hear(number, block)
        piece = block[start % BLOCK :][: end - start]
        writer.write(piece)
        await writer.drain()
        start += len(piece)
