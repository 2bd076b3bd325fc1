"""Analyse a stream the way the mesh does, task by task."""

import asyncio
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from services.transcode.media.analysis import PICTURES, SOUND, picture_checks
from services.transcode.media.edits import NO_EDITS, Edits
from services.transcode.media.findings import PicturePart, SoundPart, report
from services.transcode.media.plain import Plain
from services.transcode.worker.analysing import analyse
from services.transcode.worker.domain import Kind
from services.transcode.worker.encode import EncodedTrack
from services.transcode.worker.ffmpeg import find_ffmpeg
from services.transcode.worker.making import Bench
from services.transcode.worker.service import Progress
from services.transcode.worker.sources import Sources
from tests.fakes.transcode_worker import FakeObjects, FakeScheduler, a_claim
from tests.integration.transcode_media.stream import LIMITS, Stream


async def parts_of(
    stream: Stream,
    sources: dict[int, Path],
    scratch: Path,
    *,
    edits: Edits = NO_EDITS,
    image: Path | None = None,
    vmaf: bool = True,
) -> tuple[list[PicturePart], SoundPart | None]:
    """What each task finds, as the scheduler gets it. `sources` are by what they are to the plan."""
    objects, scheduler = FakeObjects(), FakeScheduler()
    for name, path in {**stream.rungs, **({"audio": stream.audio} if stream.audio else {})}.items():
        keys = await asyncio.to_thread(_store, objects, name, stream.tracks.get(name, []), path)
        scheduler.made[name] = (keys[0], "", tuple(keys[1:]))

    async def done(place: int, spec: dict[str, Any], read: Sequence[Path]) -> Plain:
        folder = scratch / f"analysis{place}"
        folder.mkdir()
        task = a_claim(kind=Kind.ANALYSIS, spec=spec)
        bench = Bench(
            task=task,
            opened=lambda: Sources(objects, scratch, whole=0, keep=0).opened(task),
            objects=objects,
            scheduler=scheduler,
            folder=folder,
            progress=Progress(),
            ffmpeg=find_ffmpeg(),
            limits=LIMITS,
            threads=1,
        )
        told: Plain = json.loads(json.dumps((await analyse(bench, read)).to_json()))
        return told

    video, plan = stream.facts.video, stream.plan
    checks = picture_checks(plan, video, edits, vmaf=vmaf) if video else []
    pictures = [
        await done(
            place,
            {PICTURES: check.to_json()},
            [sources[check.chunk.source], *([image] if image and check.chunk.look.mark else [])],
        )
        for place, check in enumerate(checks)
    ]
    parts = [PicturePart.from_json(part) for part in pictures]
    if plan.audio is None:
        return parts, None
    heard = [sources[each.source] for each in plan.audio.heard]
    return parts, SoundPart.from_json(await done(len(checks), {SOUND: plan.audio.to_json()}, heard))


async def report_of(stream: Stream, sources: dict[int, Path], scratch: Path, **how: Any) -> Plain:
    return report(*await parts_of(stream, sources, scratch, **how))


def _store(objects: FakeObjects, name: str, tracks: list[EncodedTrack], path: Path) -> list[str]:
    """The keys of the init segment and of all others, of a track that lies in a file as a player reads it."""
    body = path.read_bytes()
    # Of the sound nothing is told apart.
    sizes = (
        [len(tracks[0].init), *(each.size for track in tracks for each in track.segments)] if tracks else [0, len(body)]
    )
    keys, at = [], 0
    for number, size in enumerate(sizes):
        keys.append(f"{name}/{number}")
        objects.bodies[keys[-1]] = body[at : at + size]
        at += size
    return keys
