"""Workers without a queue: they are handed tasks, and what they read of the store is counted."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from services.transcode.media.plan import plan
from services.transcode.media.preset import Preset, PresetRung, PresetVideo
from services.transcode.worker.domain import Kind
from services.transcode.worker.execute import Executor
from services.transcode.worker.ffmpeg import find_ffmpeg
from services.transcode.worker.service import Progress
from tests.fakes.transcode_worker import FakeObjects, FakeScheduler, a_claim

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from meshkit.errors import MeshError
    from services.transcode.media.facts import SourceFacts
    from services.transcode.media.plan import Plan, VideoChunk
    from services.transcode.worker.domain import Encoded, StoredTrack, Task
    from services.transcode.worker.ports import Objects

# Chunks as the shipped preset cuts them, at the cost of a postage stamp.
STAMPS = Preset(
    name="stamps", video=(PresetVideo(rungs=(PresetRung(short_side=90, maxrate=300_000),), speed="ultrafast"),)
)
KEY = "assets/one/source"


@dataclass
class Counted:
    """A store that counts what is read of it, and fails from a byte on when told to."""

    inner: Objects
    bytes_read: int = 0
    fails_from: int | None = None
    failure: MeshError | None = None

    async def fetch(self, key: str, path: Path) -> None:
        await self.inner.fetch(key, path)

    async def read(self, key: str, start: int, size: int) -> bytes:
        if self.failure and self.fails_from is not None and start + size > self.fails_from:
            raise self.failure
        body = await self.inner.read(key, start, size)
        self.bytes_read += len(body)
        return body

    async def store(self, key: str, body: bytes) -> None:
        await self.inner.store(key, body)

    async def store_file(self, key: str, path: Path, content_type: str) -> None:
        await self.inner.store_file(key, path, content_type)

    def start_again(self) -> None:
        self.bytes_read = 0


@dataclass
class Bench:
    scratch: Path
    scheduler: FakeScheduler = field(default_factory=FakeScheduler)
    preset: Preset = STAMPS

    def worker(self, store: Objects, **options: Any) -> Executor:
        """One that reads everything in ranges, unless told otherwise."""
        options = {"whole_bytes": 0, **options}
        return Executor(
            self.scheduler, store, scratch=self.scratch, ffmpeg=find_ffmpeg(), threads=1, deadline=60, **options
        )

    async def probed(self, worker: Executor, size: int, name: str) -> SourceFacts:
        await self._done(worker, a_claim(kind=Kind.PROBE, source_key=KEY, source_size=size, file_name=name))
        facts: SourceFacts = self.scheduler.said[-1][1]
        return facts

    def plan(self, facts: SourceFacts) -> Plan:
        return plan(facts, self.preset)

    async def encoded(self, worker: Executor, size: int, chunk: VideoChunk) -> Sequence[StoredTrack]:
        return await self._encoded(
            worker, a_claim(kind=Kind.ENCODE_VIDEO, source_key=KEY, source_size=size, spec=chunk.to_json())
        )

    async def heard(self, worker: Executor, size: int, planned: Plan) -> Sequence[StoredTrack]:
        assert planned.audio is not None
        return await self._encoded(
            worker, a_claim(kind=Kind.ENCODE_AUDIO, source_key=KEY, source_size=size, spec=planned.audio.to_json())
        )

    async def _encoded(self, worker: Executor, claim: Task) -> Sequence[StoredTrack]:
        await self._done(worker, claim)
        encoded: Encoded = self.scheduler.said[-1][1]
        return encoded.tracks

    async def _done(self, worker: Executor, claim: Task) -> None:
        await worker(claim, Progress(), partial(self.scheduler.complete, claim))


def holding(path: Path) -> FakeObjects:
    return FakeObjects({KEY: path.read_bytes()})
