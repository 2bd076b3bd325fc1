"""Store what a task makes while it is being made, under keys that no other attempt writes."""

from __future__ import annotations

import asyncio
import hashlib
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from services.transcode.worker.domain import StoredSegment, StoredTrack

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from services.transcode.worker.domain import Task
    from services.transcode.worker.encode import EncodedSegment, EncodedTrack
    from services.transcode.worker.ports import Objects

_AT_ONCE = 4


class Storing:
    """One attempt's outputs. The epoch in a segment's key keeps attempts apart."""

    def __init__(self, objects: Objects, task: Task, group: asyncio.TaskGroup) -> None:
        self._objects = objects
        self._task = task
        self._group = group
        self._several = asyncio.Semaphore(_AT_ONCE)
        self._under_way: set[asyncio.Task[None]] = set()

    async def keep(self, name: str, segment: EncodedSegment, body: bytes) -> None:
        """Returns while the segment is still on its way, but never with more than a few of them."""
        await self._several.acquire()
        storing = self._group.create_task(self._store(self._key(name, segment), body))
        self._under_way.add(storing)
        storing.add_done_callback(self._under_way.discard)

    async def _store(self, key: str, body: bytes) -> None:
        try:
            await self._objects.store(key, body)
        finally:
            self._several.release()

    async def finish(self, track: EncodedTrack) -> StoredTrack:
        """What was kept of the track, which is all in the store then."""
        await asyncio.gather(*self._under_way)
        # By its content: every attempt of every chunk writes the same bytes there.
        init_key = f"{self._folder(track.name)}/init-{hashlib.sha256(track.init).hexdigest()[:16]}.mp4"
        await self._objects.store(init_key, track.init)
        return StoredTrack(
            rendition=track.name,
            init_key=init_key,
            init_size=len(track.init),
            codecs=track.codecs,
            timescale=track.timescale,
            segments=tuple(
                StoredSegment(
                    key=self._key(track.name, segment),
                    number=segment.number,
                    size=segment.size,
                    start=segment.start,
                    ticks=segment.ticks,
                    frames=segment.frames,
                )
                for segment in track.segments
            ),
        )

    def _folder(self, name: str) -> str:
        return f"{self._task.output_prefix}{name}"

    def _key(self, name: str, segment: EncodedSegment) -> str:
        return f"{self._folder(name)}/{segment.number:06d}-{self._task.epoch}.m4s"


@asynccontextmanager
async def storing(objects: Objects, task: Task) -> AsyncIterator[Storing]:
    """Ends when everything is stored. Raises the first failure by itself, its own or the store's."""
    try:
        async with asyncio.TaskGroup() as group:
            yield Storing(objects, task, group)
    except ExceptionGroup as failures:
        raise failures.exceptions[0] from None
