"""A source's bytes, fetched in blocks as they are asked for; what many chunks ask for is fetched once.

Every chunk first reads the container's index, and then its own frames, which no other chunk reads. So the blocks that
come first stay, and those that come when there is no more room make way for one another.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from typing import TYPE_CHECKING

from meshkit.errors import Unavailable

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    Fetch = Callable[[int, int], Awaitable[bytes]]
    """From a first byte, so many bytes."""

BLOCK = 64 << 10
_LONGEST_RUN = 32
_SHARE_OF_A_PART, _SHARE_OF_THE_EXPECTED, _SHARE_OF_ALL = 64, 6, 4
"""One fetch is at most this part of what was read in a row before it: that much is read in vain when a reader ends."""
_SHARE_OF_THE_REST = 3
_ATTEMPTS = 3
_PAUSE = 0.2


class Blocks:
    """`size` bytes behind `fetch`, of which about `keep` stay in memory. Calls raise what `fetch` raises."""

    def __init__(self, size: int, fetch: Fetch, *, keep: int) -> None:
        self.size = size
        self.count = -(-size // BLOCK)
        self._fetch = fetch
        self._room = max(keep // BLOCK // 2, 2 * _LONGEST_RUN)
        self._first: dict[int, bytes] = {}
        self._recent: OrderedDict[int, bytes] = OrderedDict()
        self._coming: dict[int, asyncio.Task[dict[int, bytes]]] = {}
        self._last = -1
        self._streak = 0
        self.read_whole = False
        """Whether the reader will go on to the end: then reading far ahead costs nothing."""
        self.expected = 0
        """How many blocks the reader will probably take in a row; fetches get smaller towards their end."""

    async def block(self, index: int) -> bytes:
        """The block with this number; a reader that goes on from block to block finds the next on its way."""
        self._follow(index)
        found = self._held(index)
        if found is None:
            task = self._coming.get(index) or self._begin(index)
            # Shielded: another reader may wait for the same block.
            found = (await asyncio.shield(task))[index]
        if self._streak > 1:
            self._read_ahead(index)
        return found

    async def close(self) -> None:
        """Ends what is on its way."""
        tasks = set(self._coming.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _follow(self, index: int) -> None:
        if index not in (self._last, self._last + 1):
            self._streak = 0
        elif index != self._last:
            self._streak += 1
        self._last = index

    def _held(self, index: int) -> bytes | None:
        if index in self._first:
            return self._first[index]
        if index in self._recent:
            self._recent.move_to_end(index)
            return self._recent[index]
        return None

    def _read_ahead(self, index: int) -> None:
        """Begins the next run as soon as less than half a run lies ready."""
        for ahead in range(index + 1, min(index + 2 + self._run_length // 2, self.count)):
            if ahead not in self._coming and self._held(ahead) is None:
                self._begin(ahead)
                return

    @property
    def _run_length(self) -> int:
        if self.read_whole:
            length = self._streak // _SHARE_OF_ALL
        elif self._streak < self.expected:
            rest = (self.expected - self._streak) // _SHARE_OF_THE_REST
            length = min(self._streak // _SHARE_OF_THE_EXPECTED, rest)
        else:
            length = self._streak // _SHARE_OF_A_PART
        return min(max(length, 1), _LONGEST_RUN)

    def _begin(self, index: int) -> asyncio.Task[dict[int, bytes]]:
        end = index + 1
        while end < min(index + self._run_length, self.count) and end not in self._coming and self._held(end) is None:
            end += 1
        task = asyncio.create_task(self._run(index, end))
        for each in range(index, end):
            self._coming[each] = task
        task.add_done_callback(lambda done: self._came(done, index, end))
        return task

    async def _run(self, index: int, end: int) -> dict[int, bytes]:
        start = index * BLOCK
        size = min(end * BLOCK, self.size) - start
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                return self._cut(index, await self._whole(start, size))
            except Unavailable:
                if attempt == _ATTEMPTS:
                    raise
                await asyncio.sleep(_PAUSE * attempt)
        raise AssertionError

    async def _whole(self, start: int, size: int) -> bytes:
        body = await self._fetch(start, size)
        if len(body) != size:
            raise Unavailable("objects_unavailable", f"{len(body)} bytes came of {size}")
        return body

    @staticmethod
    def _cut(index: int, body: bytes) -> dict[int, bytes]:
        return {index + at // BLOCK: body[at : at + BLOCK] for at in range(0, len(body), BLOCK)}

    def _came(self, task: asyncio.Task[dict[int, bytes]], index: int, end: int) -> None:
        for each in range(index, end):
            del self._coming[each]
        # Asked for its error, so that one which nobody waited for is not reported: whoever needs the block asks again.
        if task.cancelled() or task.exception():
            return
        for number, body in task.result().items():
            if len(self._first) < self._room:
                self._first[number] = body
                continue
            self._recent[number] = body
            if len(self._recent) > self._room:
                self._recent.popitem(last=False)
