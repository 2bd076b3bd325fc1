"""A file that nobody may open and a port that nobody may call, and who did."""

import asyncio
import ctypes
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

_libc = ctypes.CDLL(None, use_errno=True)
_NONBLOCK, _ACCESS_OR_OPEN = 0o4000, 0x1 | 0x20


@dataclass
class Canary:
    """`path` is media that any player would show; `port` answers on 127.0.0.1."""

    path: Path
    port: int
    calls: list[object] = field(default_factory=list)
    watch: int = -1

    @property
    def opened(self) -> bool:
        try:
            return bool(os.read(self.watch, 4096))
        except BlockingIOError:
            return False


@asynccontextmanager
async def canary_of(path: Path) -> AsyncIterator[Canary]:
    calls: list[object] = []

    async def called(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        calls.append(writer.get_extra_info("peername"))
        writer.close()

    server = await asyncio.start_server(called, "127.0.0.1", 0)
    watch = _libc.inotify_init1(_NONBLOCK)
    assert _libc.inotify_add_watch(watch, bytes(path), _ACCESS_OR_OPEN) >= 0
    try:
        yield Canary(path, server.sockets[0].getsockname()[1], calls, watch)
    finally:
        os.close(watch)
        server.close()
