"""Make WebVTT of the packets of subtitles that the probe of a source came by."""

from __future__ import annotations

import asyncio
import hashlib
import json
from dataclasses import replace
from typing import TYPE_CHECKING

from services.transcode.media.subtitles import Subtitle, packets_of
from services.transcode.worker.domain import MadeFile
from services.transcode.worker.programs import answer_of

if TYPE_CHECKING:
    from pathlib import Path

    from services.transcode.media.facts import SourceFacts
    from services.transcode.worker.domain import Task
    from services.transcode.worker.making import Bench
    from services.transcode.worker.ports import Objects

_PACKETS = "packets.json"


async def keep_subtitles(objects: Objects, task: Task, facts: SourceFacts, folder: Path) -> SourceFacts:
    """The facts, once the packets of subtitles that a probe left in `folder` are stored for the tasks that follow."""
    kept = []
    for each in facts.subtitles:
        path = folder / packets_of(each.stream)
        # By its content: every attempt at the probe writes the same there.
        name = hashlib.sha256(await asyncio.to_thread(path.read_bytes)).hexdigest()[:16]
        await objects.store_file(_key(task, name), path, "application/json")
        kept.append(replace(each, kept=name))
    return replace(facts, subtitles=tuple(kept))


async def make_subtitles(bench: Bench) -> list[MadeFile]:
    """Raises BadMedia, EncodeFailed, MeshError."""
    wanted = Subtitle.from_json(dict(bench.task.spec["subtitle"]))
    packets = bench.folder / _PACKETS
    await bench.objects.fetch(_key(bench.task, wanted.kept), packets)
    arguments = [json.dumps(wanted.to_json()), str(bench.folder)]
    await answer_of("take_subtitles", arguments, source=packets, scratch=bench.folder, limits=bench.limits)
    return [
        MadeFile(
            kind="file",
            name=wanted.name,
            path=bench.folder / wanted.name,
            content_type="text/vtt",
            duration=float(wanted.length),
        )
    ]


def _key(task: Task, name: str) -> str:
    return f"{task.output_prefix}subtitles/{name}.json"
