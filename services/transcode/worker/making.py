"""Tasks that make plain files: which program makes them, and where they are stored."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from services.transcode.worker.domain import Kind, StoredFile
from services.transcode.worker.images import make_images
from services.transcode.worker.muxing import mux
from services.transcode.worker.stills import make_stills
from services.transcode.worker.subtitles import make_subtitles

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

    from services.transcode.worker.domain import MadeFile, Task
    from services.transcode.worker.ports import Objects, Scheduler
    from services.transcode.worker.sandbox import Limits
    from services.transcode.worker.service import Progress
    from services.transcode.worker.sources import Opened


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """What there is to work with. `opened` gives the job's source; `folder` is empty, and gone after the task."""

    task: Task
    opened: Callable[[], AbstractAsyncContextManager[Opened]]
    objects: Objects
    scheduler: Scheduler
    folder: Path
    progress: Progress
    ffmpeg: Path
    limits: Limits
    threads: int


MAKERS: Mapping[Kind, Callable[[Bench], Awaitable[list[MadeFile]]]] = {
    Kind.MUX: mux,
    Kind.IMAGE: make_images,
    Kind.STILLS: make_stills,
    Kind.SUBTITLES: make_subtitles,
}


async def make(bench: Bench) -> list[StoredFile]:
    """The task's files, stored under keys that no other attempt writes. Raises BadMedia, EncodeFailed, MeshError."""
    task = bench.task
    stored = []
    for made in await MAKERS[task.kind](bench):
        # The folder of the attempt: files of one task may name one another.
        key = f"{task.output_prefix}files/{task.id}-{task.epoch}/{made.name}"
        await bench.objects.store_file(key, made.path, made.content_type)
        size = await asyncio.to_thread(lambda path: path.stat().st_size, made.path)
        stored.append(StoredFile(made=made, key=key, size=size))
    return stored
