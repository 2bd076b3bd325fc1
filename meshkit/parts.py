"""A stream of bytes cut into parts of one size, which are stored while the next ones come in.

In memory are at most the part that is being filled and IN_FLIGHT on their way: when those are slow, `feed` waits, and
with it whoever sends.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence
    from types import TracebackType

IN_FLIGHT = 2


class Parts:
    """`put` stores one part by its number; `stored` hears how far the stored ones reach, always further."""

    def __init__(
        self,
        *,
        part_size: int,
        offset: int,
        tail: Sequence[bytes] = (),
        put: Callable[[int, list[bytes]], Awaitable[None]],
        stored: Callable[[int], Awaitable[None]],
    ) -> None:
        """From `offset` on, where `tail` are the bytes between the last part's end and there."""
        self._part_size = part_size
        self._put = put
        self._stored = stored
        self._chunks = list(tail)
        self._filled = sum(map(len, tail))
        self._number = (offset - self._filled) // part_size + 1
        self._flying: deque[tuple[int, asyncio.Task[None]]] = deque()
        self.fresh = False
        """Bytes came that are neither stored nor on their way."""

    async def __aenter__(self) -> Parts:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for _, task in self._flying:
            task.cancel()
        await asyncio.gather(*[task for _, task in self._flying], return_exceptions=True)

    @property
    def end(self) -> int:
        """Bytes from the beginning of the file to the last one that came in."""
        return (self._number - 1) * self._part_size + self._filled

    @property
    def tail(self) -> list[bytes]:
        """What came in after the last part that is stored or on its way."""
        return self._chunks

    async def feed(self, chunk: bytes) -> None:
        """Raises what storing an earlier part failed with."""
        while self._flying and self._flying[0][1].done():
            await self._landed()
        while chunk:
            room = self._part_size - self._filled
            piece = chunk if len(chunk) <= room else chunk[:room]
            chunk = chunk[len(piece) :]
            self._chunks.append(piece)
            self._filled += len(piece)
            self.fresh = True
            if self._filled == self._part_size:
                await self._send()

    async def settle(self) -> None:
        """Until every part that was begun is stored."""
        while self._flying:
            await self._landed()

    async def finish(self) -> None:
        """The file ends here: its last part may be shorter, and of an empty file is empty."""
        if self._filled or self._number == 1:
            await self._send()
        await self.settle()

    async def _send(self) -> None:
        self._flying.append((self.end, asyncio.ensure_future(self._put(self._number, self._chunks))))
        self._chunks, self._filled, self.fresh = [], 0, False
        self._number += 1
        while len(self._flying) > IN_FLIGHT:
            await self._landed()

    async def _landed(self) -> None:
        end, task = self._flying[0]
        await task
        self._flying.popleft()
        await self._stored(end)
