"""Do one task: the source in, facts, segments or files out."""

from __future__ import annotations

import shutil
import tempfile
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict

from meshkit.errors import Conflict, MeshError, Unavailable
from meshkit.telemetry import processing, tracer
from meshkit.topology import TASKS
from services.transcode.media.plan import VideoChunk
from services.transcode.media.sound import AudioTrack
from services.transcode.worker.analysing import analyse
from services.transcode.worker.domain import Encoded, Filed, Kind
from services.transcode.worker.encode import encode_audio, encode_chunk
from services.transcode.worker.making import MAKERS, Bench, make
from services.transcode.worker.measuring import attempt, encoding
from services.transcode.worker.probe import probe
from services.transcode.worker.sandbox import Limits
from services.transcode.worker.sources import Sources
from services.transcode.worker.storing import storing
from services.transcode.worker.subtitles import keep_subtitles

if TYPE_CHECKING:
    from collections.abc import Iterator

    from services.transcode.media.facts import SourceFacts
    from services.transcode.media.source import Source
    from services.transcode.worker.domain import Task
    from services.transcode.worker.encode import EncodedTrack
    from services.transcode.worker.ffmpeg import Progress as FfmpegProgress
    from services.transcode.worker.ports import Complete, Objects, Result, Scheduler
    from services.transcode.worker.service import Progress
    from services.transcode.worker.storing import Storing

_SPANS = {
    Kind.PROBE: "probe source",
    Kind.ENCODE_VIDEO: "encode chunk",
    Kind.ENCODE_AUDIO: "encode audio",
    Kind.STILLS: "make stills",
    Kind.IMAGE: "make images",
    Kind.SUBTITLES: "make subtitles",
    Kind.MUX: "join file",
    Kind.ANALYSIS: "analyse stream",
}
_ENCODED = 0.95
"""Progress of a task whose encode is done and whose last segments are not stored yet."""


class _Run(TypedDict):
    ffmpeg: Path
    limits: Limits
    threads: int


class Executor:
    """`scratch` is the worker's own folder: emptied at the start, kept small by `sources`.

    It takes no task with less than `reserve` bytes free there, and of `scratch_bytes` gives at most one half to a
    source that is kept whole, the other to what a program in the sandbox writes.
    """

    def __init__(
        self,
        scheduler: Scheduler,
        objects: Objects,
        *,
        scratch: Path,
        ffmpeg: Path,
        threads: int,
        deadline: float,
        reserve: int = 0,
        scratch_bytes: int = 4 << 30,
        whole_bytes: int = 64 << 20,
        read_cache_bytes: int = 64 << 20,
    ) -> None:
        self._scheduler = scheduler
        self._objects = objects
        self._ffmpeg = ffmpeg
        self._threads = threads
        self._reserve = reserve
        self._limits = Limits(deadline=deadline, cpu=round(deadline * threads), file_size=scratch_bytes // 2)
        shutil.rmtree(scratch, ignore_errors=True)
        self._tasks = scratch / "tasks"
        self._tasks.mkdir(parents=True)
        whole = min(whole_bytes, scratch_bytes // 2)
        self._sources = Sources(objects, scratch / "sources", whole=whole, keep=read_cache_bytes)

    def check_room(self) -> None:
        """Raises Unavailable (`scratch_full`) while the scratch folder's disk lacks room for a task.

        Full disks fail every task, and quickly: a worker that went on would use up their attempts.
        """
        if self._free() < self._reserve:
            # It may be the source kept here that fills it.
            self._sources.clear()
            if (free := self._free()) < self._reserve:
                raise Unavailable("scratch_full", f"{free} bytes are free, {self._reserve} are needed")

    def _free(self) -> int:
        return shutil.disk_usage(self._tasks).free

    async def __call__(self, task: Task, progress: Progress, complete: Complete) -> None:
        """Raises BadMedia, EncodeFailed, MeshError."""
        with (
            self._folder(task) as folder,
            processing(TASKS, task.trace, redelivered=task.epoch > 1),
            tracer.start_as_current_span(_SPANS[task.kind], attributes=_facts(task)),
            attempt(task.kind),
        ):
            await complete(await self._do(task, folder, progress))

    async def _do(self, task: Task, folder: Path, progress: Progress) -> Result:
        if task.kind is Kind.PROBE:
            return await self._probe(task, folder)
        if task.kind in MAKERS:
            return Filed(await make(self._bench(task, folder, progress)))
        if task.kind is Kind.ANALYSIS:
            async with self._sources.inputs(task) as sources:
                return await analyse(self._bench(task, folder, progress), sources)
        async with storing(self._objects, task) as store, self._sources.inputs(task) as sources:
            tracks = await self._encode(task, sources, folder, progress, store)
            progress.value = _ENCODED
            stored = [await store.finish(track) for track in tracks]
        return Encoded(stored)

    async def _probe(self, task: Task, folder: Path) -> SourceFacts:
        async with self._sources.opened(task) as opened:
            facts = await probe(opened.source, task.file_name, scratch=folder, limits=self._limits)
            facts = replace(facts, sha256=await opened.sha256())
            return await keep_subtitles(self._objects, task, facts, folder)

    def _bench(self, task: Task, folder: Path, progress: Progress) -> Bench:
        return Bench(
            task=task,
            opened=lambda: self._sources.opened(task),
            objects=self._objects,
            scheduler=self._scheduler,
            folder=folder,
            progress=progress,
            ffmpeg=self._ffmpeg,
            limits=self._limits,
            threads=self._threads,
        )

    async def _encode(
        self, task: Task, sources: list[Source], folder: Path, progress: Progress, store: Storing
    ) -> list[EncodedTrack]:
        run = _Run(ffmpeg=self._ffmpeg, limits=self._limits, threads=self._threads)
        if task.kind is Kind.ENCODE_AUDIO:
            audio = AudioTrack.from_json(dict(task.spec))

            def heard(now: FfmpegProgress) -> None:
                progress.value = min(now.seconds / max(float(audio.duration), 0.1), 1.0) * _ENCODED

            async def land(track: EncodedTrack) -> None:
                try:
                    await self._scheduler.land(task, await store.finish(track))
                except Conflict:
                    raise
                except MeshError:
                    # What is not heard of now is heard of with the rest.
                    return

            with encoding(task.kind, float(audio.duration)):
                return [await encode_audio(audio, sources, folder, heard, store.keep, land, **run)]
        planned = VideoChunk.from_json(dict(task.spec))
        chunk = planned.again() if task.doubted else planned

        def seen(now: FfmpegProgress) -> None:
            progress.value = min(now.frame / max(chunk.frames, 1), 1.0) * _ENCODED

        source, *others = sources
        with encoding(task.kind, float(chunk.frames / chunk.rate)):
            return await encode_chunk(
                chunk, source, folder, seen, store.keep, image=others[0] if others else None, **run
            )

    @contextmanager
    def _folder(self, task: Task) -> Iterator[Path]:
        folder = Path(tempfile.mkdtemp(prefix=f"{task.id}-", dir=self._tasks))
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def _facts(task: Task) -> dict[str, str | int]:
    return {"job.id": task.job_id, "task.id": task.id, "task.epoch": task.epoch}
