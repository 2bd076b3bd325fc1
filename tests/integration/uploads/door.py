"""A door before a gateway, which falls shut in the middle of what is said through it."""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

_BLOCK = 64 << 10


class Door:
    def __init__(self, cuts: Sequence[int]) -> None:
        """Each connection is cut after so many bytes, one number for each; then the door stays shut."""
        self._cuts = deque(cuts)
        self._open = False
        self.leads_to = self.url = ""
        self.shut = asyncio.Event()

    def open(self, url: str) -> None:
        """From here on it leads there, and cuts nothing."""
        self.leads_to, self._open = url, True

    async def enter(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not self._open and not self._cuts:
            self.shut.set()
            writer.close()
            return
        limit = None if self._open else self._cuts.popleft()
        at = urlsplit(self.leads_to)
        inner_reader, inner_writer = await asyncio.open_connection(at.hostname, at.port)
        await asyncio.gather(_pass(reader, inner_writer, writer, limit), _pass(inner_reader, writer, inner_writer))


async def _pass(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, other: asyncio.StreamWriter, limit: int | None = None
) -> None:
    with suppress(ConnectionError):
        while limit != 0 and (data := await reader.read(min(_BLOCK, limit or _BLOCK))):
            writer.write(data)
            await writer.drain()
            limit = None if limit is None else limit - len(data)
    writer.close()
    other.close()


@asynccontextmanager
async def door(cuts: Sequence[int]) -> AsyncIterator[Door]:
    made = Door(cuts)
    async with await asyncio.start_server(made.enter, "127.0.0.1", 0) as server:
        made.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        yield made
