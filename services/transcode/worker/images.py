"""Make an image's sizes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from services.transcode.media.pictures import Pictures
from services.transcode.worker.domain import MadeFile
from services.transcode.worker.programs import answer_of

if TYPE_CHECKING:
    from services.transcode.worker.making import Bench


async def make_images(bench: Bench) -> list[MadeFile]:
    """Raises BadMedia, EncodeFailed, MeshError."""
    wanted = Pictures.from_json(dict(bench.task.spec))
    arguments = [json.dumps(wanted.to_json()), str(bench.folder)]
    async with bench.opened() as opened:
        said = await answer_of(
            "resize_image", arguments, source=opened.source, scratch=bench.folder, limits=bench.limits
        )
    form = wanted.recipe.format
    return [
        MadeFile(
            kind="image",
            name=name,
            path=bench.folder / name,
            content_type=f"image/{form}",
            width=width,
            height=height,
            codec=form,
        )
        for name, (width, height) in zip(wanted.names, said["sizes"], strict=True)
    ]
