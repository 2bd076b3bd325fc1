"""Join the segments of a job into a file in one piece: they stream through ffmpeg, which copies what they hold."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING

from meshkit.concurrent import all_of
from services.transcode.media.argv import mux_argv
from services.transcode.media.errors import BadMedia, WrongOutput
from services.transcode.media.mux import Mux
from services.transcode.worker.domain import MadeFile
from services.transcode.worker.ffmpeg import Progress, run_ffmpeg

if TYPE_CHECKING:
    from pathlib import Path

    from services.transcode.worker.making import Bench

SEGMENT_MOST = 1 << 28
"""Bytes of a segment; the store gives what there is."""
_COPIED = 0.9
"""Progress of a task whose file is written and not stored yet."""


async def mux(bench: Bench) -> list[MadeFile]:
    """The file, with every picture that was encoded. Raises BadMedia (`too_large`), EncodeFailed."""
    wanted = Mux.from_json(dict(bench.task.spec))
    out = bench.folder / wanted.name
    tracks = [bench.folder / f"{name}.cmaf" for name in wanted.tracks]
    for track in tracks:
        os.mkfifo(track, 0o600)
    frames = 0

    def copied(now: Progress) -> None:
        nonlocal frames
        frames = now.frame
        bench.progress.value = min(now.seconds / max(float(wanted.duration), 0.1), 1.0) * _COPIED

    async def run() -> str:
        argv = mux_argv(wanted, ffmpeg=bench.ffmpeg, tracks=tracks, out=out)
        try:
            await run_ffmpeg(argv, sources=[], scratch=bench.folder, limits=bench.limits, on_progress=copied)
        finally:
            for track in tracks:
                let_go(track)
        return ""

    _, *codecs = await all_of(run(), *(feed(bench, *each) for each in zip(wanted.tracks, tracks, strict=True)))
    if frames != wanted.frames:
        raise WrongOutput(f"{frames} frames in {wanted.name}, expected {wanted.frames}")
    size = (await asyncio.to_thread(out.stat)).st_size
    return [
        MadeFile(
            kind=wanted.format.kind,
            name=wanted.name,
            path=out,
            content_type=wanted.format.content_type,
            width=wanted.width,
            height=wanted.height,
            duration=float(wanted.duration),
            codec=",".join(codecs),
            bit_rate=round(8 * size / wanted.duration),
        )
    ]


async def feed(bench: Bench, rendition: str, pipe: Path) -> str:
    """Write a rendition into the pipe, segment by segment; its codecs."""
    task, size, start = bench.task, 0, 0
    into = await _opened(pipe)
    try:
        while (parts := await bench.scheduler.parts(task, rendition, start)).keys:
            for key in parts.keys if start else (parts.init_key, *parts.keys):
                body = await bench.objects.read(key, 0, SEGMENT_MOST)
                size += len(body)
                if size > bench.limits.file_size:
                    raise BadMedia("too_large", f"a file in one piece may have {bench.limits.file_size} bytes")
                await asyncio.to_thread(_write, into, body)
            start += len(parts.keys)
    except BrokenPipeError as error:
        raise WrongOutput(f"ffmpeg did not want all of {rendition}") from error
    finally:
        os.close(into)
    return parts.codecs


async def _opened(pipe: Path) -> int:
    """The pipe's writing end, once ffmpeg has the other."""
    opening = asyncio.ensure_future(asyncio.to_thread(os.open, pipe, os.O_WRONLY))
    try:
        return await asyncio.shield(opening)
    except asyncio.CancelledError:
        let_go(pipe)
        os.close(await opening)
        raise


def let_go(pipe: Path) -> None:
    """Whoever waits for somebody to read the pipe waits no more."""
    os.close(os.open(pipe, os.O_RDONLY | os.O_NONBLOCK))


def _write(into: int, body: bytes) -> None:
    rest = memoryview(body)
    while rest:
        rest = rest[os.write(into, rest) :]
