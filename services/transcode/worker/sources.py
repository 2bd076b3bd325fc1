"""Give a task its source: a small one as a file that is kept for the next task, a large one in ranges on loopback."""

from __future__ import annotations

import asyncio
import hashlib
import shutil
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from services.transcode.media.analysis import SOUND
from services.transcode.media.errors import BadMedia, EncodeFailed
from services.transcode.worker.blocks import BLOCK, Blocks
from services.transcode.worker.domain import Kind
from services.transcode.worker.range_server import serving

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from pathlib import Path

    from services.transcode.media.source import Source
    from services.transcode.worker.domain import Input, Task
    from services.transcode.worker.ports import Objects


_IN_ONE_GO = 4 << 20
"""Bytes that come sooner by one request than by what asks for a size first, and then for parts in threads."""
_READ_WHOLE = (Kind.PROBE, Kind.ENCODE_AUDIO)


@dataclass(frozen=True, slots=True)
class Opened:
    source: Source
    sha256: Callable[[], Awaitable[str]]
    """In hex. Asked for after the source was read from end to end, it hardly reads anything again."""


class Sources:
    """Sources of up to `whole` bytes lie in `folder`; of larger ones about `keep` bytes stay in memory."""

    def __init__(self, objects: Objects, folder: Path, *, whole: int, keep: int) -> None:
        self._objects = objects
        self._folder = folder
        self._whole = whole
        self._keep = keep
        self._key = ""
        self._blocks: Blocks | None = None
        self._in_use: list[Path] = []
        folder.mkdir(parents=True, exist_ok=True)

    @asynccontextmanager
    async def opened(self, task: Task) -> AsyncIterator[Opened]:
        """The job's source. Raises what the object store raised, whatever came of a source that was only half read."""
        async with self._opened(task, task.source) as opened:
            yield opened

    @asynccontextmanager
    async def inputs(self, task: Task) -> AsyncIterator[list[Source]]:
        """All that the task reads, likewise."""
        async with AsyncExitStack() as stack:
            opened = [await stack.enter_async_context(self._opened(task, each)) for each in task.inputs]
            yield [each.source for each in opened]

    @asynccontextmanager
    async def _opened(self, task: Task, wanted: Input) -> AsyncIterator[Opened]:
        if wanted.size <= self._whole:
            async with self._file(wanted.key, wanted.size) as path:
                yield Opened(path, lambda: asyncio.to_thread(_sha256, path))
            return
        blocks = self._ranges(wanted.key, wanted.size)
        blocks.read_whole = task.kind in _READ_WHOLE or SOUND in task.spec
        blocks.expected = int(task.spec.get("source_bytes", 0)) // BLOCK
        digest = Digest(blocks)
        async with serving(blocks, digest.hear) as serves:
            try:
                yield Opened(serves.source, digest.finish)
            except (BadMedia, EncodeFailed):
                if serves.failure:
                    raise serves.failure from None
                raise
            finally:
                await blocks.close()
            if serves.failure:
                raise serves.failure

    def clear(self) -> None:
        """Gives back the room that kept sources take."""
        shutil.rmtree(self._folder, ignore_errors=True)
        self._folder.mkdir(exist_ok=True)

    @asynccontextmanager
    async def _file(self, key: str, size: int) -> AsyncIterator[Path]:
        """The last ones are kept: a worker's tasks come in runs of one job."""
        path = self._folder / hashlib.sha256(key.encode()).hexdigest()
        if not path.exists():
            for kept in self._folder.iterdir():
                if kept not in self._in_use:
                    kept.unlink()
            part = path.with_suffix(".part")
            if 0 < size <= _IN_ONE_GO:
                part.write_bytes(await self._objects.read(key, 0, size))
            else:
                await self._objects.fetch(key, part)
            part.rename(path)
        self._in_use.append(path)
        try:
            yield path
        finally:
            self._in_use.remove(path)

    def _ranges(self, key: str, size: int) -> Blocks:
        if self._blocks is None or self._key != key:

            async def fetch(start: int, length: int) -> bytes:
                return await self._objects.read(key, start, length)

            self._key, self._blocks = key, Blocks(size, fetch, keep=self._keep)
        return self._blocks


@dataclass(slots=True)
class Digest:
    """The SHA-256 of a source from the blocks that a reader takes in order; the rest is read at the end."""

    blocks: Blocks
    _next: int = 0
    _hash: hashlib._Hash = field(default_factory=hashlib.sha256)

    def hear(self, index: int, body: bytes) -> None:
        if index == self._next:
            self._hash.update(body)
            self._next += 1

    async def finish(self) -> str:
        while self._next < self.blocks.count:
            self.hear(self._next, await self.blocks.block(self._next))
        return self._hash.hexdigest()


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
