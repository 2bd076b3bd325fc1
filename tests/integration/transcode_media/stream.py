"""Make a whole stream of a source the way the mesh does, task by task, and join it the way a player does."""

import asyncio
import os
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

from meshkit.concurrent import all_of
from services.transcode.media.edits import NO_EDITS, Edits, Materials
from services.transcode.media.facts import SourceFacts
from services.transcode.media.parts import INTRO, OUTRO, OWN
from services.transcode.media.plan import Plan, VideoChunk, plan
from services.transcode.media.preset import Preset, PresetRung, PresetVideo
from services.transcode.media.sound import AudioTrack
from services.transcode.media.source import Source
from services.transcode.worker.encode import EncodedSegment, EncodedTrack, encode_audio, encode_chunk
from services.transcode.worker.ffmpeg import find_ffmpeg
from services.transcode.worker.probe import probe
from services.transcode.worker.sandbox import Limits

LIMITS = Limits(deadline=60, cpu=60)
# Small and short, so that a five second clip makes four chunks.
TINY = Preset(
    name="tiny",
    video=(
        PresetVideo(
            rungs=(PresetRung(short_side=144, maxrate=600_000), PresetRung(short_side=90, maxrate=300_000)), crf=20
        ),
    ),
    gop_seconds=1,
    chunk_seconds=2,
)


@dataclass(frozen=True)
class Stream:
    facts: SourceFacts
    plan: Plan
    rungs: dict[str, Path]
    tracks: dict[str, list[EncodedTrack]]
    audio: Path | None

    @property
    def top(self) -> Path:
        return self.rungs[self.plan.rungs[0].name]


@dataclass(frozen=True)
class Kept:
    """Stands for the bucket."""

    bodies: dict[tuple[str, int], bytes] = field(default_factory=dict)
    landed: list[EncodedTrack] = field(default_factory=list)
    """What there was of the sound, in order."""

    async def keep(self, name: str, segment: EncodedSegment, body: bytes) -> None:
        assert len(body) == segment.size
        self.bodies[name, segment.number] = body

    async def land(self, track: EncodedTrack) -> None:
        self.landed.append(track)

    def joined(self, tracks: list[EncodedTrack], scratch: Path) -> Path:
        path = scratch / f"{tracks[0].name}.mp4"
        with path.open("wb") as file:
            file.write(tracks[0].init)
            for track in tracks:
                assert track.init == tracks[0].init, "a player reads one init for all chunks"
                for segment in track.segments:
                    file.write(self.bodies[track.name, segment.number])
        return path


async def facts_of(path: Path, scratch: Path, *, name: str | None = None) -> SourceFacts:
    return await probe(path, name or path.name, scratch=scratch, limits=LIMITS)


async def make_stream(
    source: Source,
    scratch: Path,
    preset: Preset = TINY,
    *,
    facts: SourceFacts | None = None,
    cut: Callable[[Plan], Plan] = lambda planned: planned,
    edits: Edits = NO_EDITS,
    intro: Path | None = None,
    outro: Path | None = None,
    watermark: Path | None = None,
) -> Stream:
    if facts is None:
        assert isinstance(source, Path)
        facts = await facts_of(source, scratch)
    others = {use: path for use, path in (("intro", intro), ("outro", outro), ("watermark", watermark)) if path}
    materials = Materials(**{use: await facts_of(path, scratch) for use, path in others.items()})
    planned = cut(plan(facts, replace(preset, edits=edits.over(preset.edits)), materials))
    sources = {OWN: source} | {place: path for place, path in ((INTRO, intro), (OUTRO, outro)) if path}
    kept = Kept()
    cores = asyncio.Semaphore(os.cpu_count() or 1)

    async def chunk_of(chunk: VideoChunk) -> list[EncodedTrack]:
        async with cores:
            return await encoded(chunk, sources[chunk.source], scratch, kept, watermark if chunk.look.mark else None)

    async def sound_of() -> list[EncodedTrack]:
        if planned.audio is None:
            return []
        heard = [sources[each.source] for each in planned.audio.heard]
        return [await encoded_audio(planned.audio, heard, scratch, kept)]

    sound, *made = await all_of(sound_of(), *(chunk_of(chunk) for chunk in planned.chunks))
    tracks = {rungs[0].name: list(rungs) for rungs in zip(*made, strict=True)}
    rungs = {name: kept.joined(each, scratch) for name, each in tracks.items()}
    return Stream(facts, planned, rungs, tracks, kept.joined(sound, scratch) if sound else None)


async def encoded(
    chunk: VideoChunk, source: Source, scratch: Path, kept: Kept, image: Path | None = None
) -> list[EncodedTrack]:
    folder = scratch / f"chunk{chunk.index}"
    folder.mkdir()
    return await encode_chunk(
        chunk, source, folder, lambda _: None, kept.keep, ffmpeg=find_ffmpeg(), limits=LIMITS, image=image
    )


async def encoded_audio(track: AudioTrack, sources: list[Source], scratch: Path, kept: Kept) -> EncodedTrack:
    folder = scratch / "sound"
    folder.mkdir()
    return await encode_audio(
        track, sources, folder, lambda _: None, kept.keep, kept.land, ffmpeg=find_ffmpeg(), limits=LIMITS
    )


def in_one_go(planned: Plan) -> Plan:
    first, last = planned.chunks[0], planned.chunks[-1]
    whole = replace(first, end_frame=None, frames=last.start_frame + last.frames, hold=last.hold)
    return replace(planned, chunks=(whole,))


def steps(times: list[Fraction]) -> set[Fraction]:
    return {after - before for before, after in pairwise(times)}
