"""Find out what there is to tell of a chunk, or of a stream's sound."""

from __future__ import annotations

import asyncio
import os
from dataclasses import replace
from typing import TYPE_CHECKING

from meshkit.concurrent import all_of
from services.transcode.media.analysis import PICTURES, SOUND, PictureCheck
from services.transcode.media.errors import WrongOutput
from services.transcode.media.findings import PicturePart, SoundPart
from services.transcode.media.looking import (
    SEEN,
    made_sound_argv,
    picture_argv,
    picture_part,
    scores_name,
    sound_argv,
)
from services.transcode.media.loudness import read_loudness
from services.transcode.media.mux import AUDIO_NAME
from services.transcode.media.sound import AudioTrack
from services.transcode.worker.ffmpeg import run_ffmpeg
from services.transcode.worker.muxing import SEGMENT_MOST, feed, let_go

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from services.transcode.media.source import Source
    from services.transcode.worker.ffmpeg import Progress
    from services.transcode.worker.making import Bench


async def analyse(bench: Bench, sources: Sequence[Source]) -> PicturePart | SoundPart:
    """Raises BadMedia, EncodeFailed, MeshError."""
    spec = bench.task.spec
    if SOUND in spec:
        return await listen(bench, AudioTrack.from_json(spec[SOUND]), sources)
    check = PictureCheck.from_json(spec[PICTURES])
    return await look(bench, replace(check, chunk=check.chunk.again()) if bench.task.doubted else check, sources)


async def look(bench: Bench, check: PictureCheck, sources: Sequence[Source]) -> PicturePart:
    tracks = await _rungs(bench, check) if check.vmaf else []
    source, *others = sources
    argv = picture_argv(
        check,
        ffmpeg=bench.ffmpeg,
        source=source,
        tracks=tracks,
        threads=bench.threads,
        image=others[0] if others else None,
    )

    def seen(now: Progress) -> None:
        bench.progress.value = min(now.frame / max(check.chunk.frames, 1), 1.0)

    await run_ffmpeg(argv, sources=sources, scratch=bench.folder, limits=bench.limits, on_progress=seen)
    wrote = [bench.folder / SEEN, *(bench.folder / scores_name(place) for place in range(len(tracks)))]
    try:
        found, *scores = [await asyncio.to_thread(path.read_text) for path in wrote]
    except FileNotFoundError as error:
        raise WrongOutput("ffmpeg told nothing of what it saw") from error
    return await asyncio.to_thread(picture_part, check, found, scores)


async def listen(bench: Bench, track: AudioTrack, sources: Sequence[Source]) -> SoundPart:
    argv = sound_argv(track, ffmpeg=bench.ffmpeg, sources=sources, threads=bench.threads)
    came = await _heard(bench, argv, track, sources, done=0.0)
    pipe = bench.folder / f"{AUDIO_NAME}.cmaf"
    os.mkfifo(pipe, 0o600)

    async def hear() -> str:
        argv = made_sound_argv(pipe, ffmpeg=bench.ffmpeg, threads=bench.threads)
        try:
            return await _heard(bench, argv, track, [], done=0.5)
        finally:
            let_go(pipe)

    made, _ = await all_of(hear(), feed(bench, AUDIO_NAME, pipe))
    return SoundPart(seconds=track.duration, source=read_loudness(came), output=read_loudness(made))


async def _heard(
    bench: Bench, argv: Sequence[str], track: AudioTrack, sources: Sequence[Source], *, done: float
) -> str:
    """ffmpeg's last words. `done` is the part of the task that was done before."""

    def heard(now: Progress) -> None:
        bench.progress.value = done + min(now.seconds / max(float(track.duration), 0.1), 1.0) / 2

    return await run_ffmpeg(argv, sources=sources, scratch=bench.folder, limits=bench.limits, on_progress=heard)


async def _rungs(bench: Bench, check: PictureCheck) -> list[Path]:
    """The chunk in each of its rungs, as it was stored."""
    chunk = check.chunk
    segments = -(-chunk.frames // chunk.gop)
    made = []
    for place, rung in enumerate(chunk.rungs):
        parts = await bench.scheduler.parts(bench.task, rung.name, chunk.first_segment, segments)
        if len(parts.keys) != segments:
            raise WrongOutput(f"{len(parts.keys)} segments of {rung.name}, there were to be {segments}")
        path = bench.folder / f"rung{place}.mp4"
        with path.open("wb") as file:
            for key in (parts.init_key, *parts.keys):
                file.write(await bench.objects.read(key, 0, SEGMENT_MOST))
        made.append(path)
    return made
