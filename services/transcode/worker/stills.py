"""Make a video's poster and storyboard."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from services.transcode.media.stills import POSTER, SHEET, STORYBOARD, Stills
from services.transcode.worker.domain import MadeFile
from services.transcode.worker.programs import answer_of

if TYPE_CHECKING:
    from services.transcode.worker.making import Bench

JPEG = "image/jpeg"


async def make_stills(bench: Bench) -> list[MadeFile]:
    """Raises BadMedia, EncodeFailed, MeshError."""
    wanted = Stills.from_json(dict(bench.task.spec["stills"]))
    arguments = [json.dumps(wanted.to_json()), str(bench.folder)]
    async with bench.opened() as opened:
        said = await answer_of(
            "take_stills", arguments, source=opened.source, scratch=bench.folder, limits=bench.limits
        )
    width, height = said["sheet"]
    poster, sheet, storyboard = (bench.folder / name for name in (POSTER, SHEET, STORYBOARD))
    return [
        MadeFile(
            kind="poster",
            name=POSTER,
            path=poster,
            content_type=JPEG,
            width=wanted.poster[0],
            height=wanted.poster[1],
        ),
        MadeFile(kind="sprite", name=SHEET, path=sheet, content_type=JPEG, width=width, height=height),
        MadeFile(
            kind="sprite", name=STORYBOARD, path=storyboard, content_type="text/vtt", duration=float(wanted.duration)
        ),
    ]
