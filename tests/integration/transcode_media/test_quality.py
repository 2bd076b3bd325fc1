"""Chunks cost nothing that can be seen: the stream is as good, and as large, as one encoded in one go."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.transcode.quality import measured
from services.transcode.media.preset import Preset, PresetRung, PresetVideo
from tests.clips import Clips, real_clip
from tests.integration.transcode_media.stream import in_one_go, make_stream

if TYPE_CHECKING:
    from pathlib import Path


SECONDS = 24
RUNGS = PresetRung(short_side=180, maxrate=500_000), PresetRung(short_side=120, maxrate=250_000)
SMALL = Preset(name="small", video=(PresetVideo(rungs=RUNGS),))


def moving(clips: Clips) -> Path:
    pan = "scale=400:226:flags=bicubic,crop=320:180:x='40+40*sin(t/2)':y='23+23*cos(t/3)',fps=30"
    loop = ("-stream_loop", "-1", "-i", str(real_clip("bigbuckbunny")), "-t", str(SECONDS), "-an", "-vf", pan)
    return clips.made("moving.mp4", *loop, "-c:v", "libx264", "-preset", "veryfast", "-crf", "14", "-g", "75")


async def test_chunks_are_as_good_as_one_go(clips: Clips, scratch: Path, tmp_path: Path) -> None:
    source = moving(clips)
    other = tmp_path / "whole"
    other.mkdir()
    chunked, whole = await make_stream(source, scratch, SMALL), await make_stream(source, other, SMALL, cut=in_one_go)
    assert (len(chunked.plan.chunks), len(whole.plan.chunks)) == (5, 1)
    for rung in chunked.plan.rungs:
        one, many = (measured(stream.rungs[rung.name], source, tmp_path) for stream in (whole, chunked))
        assert one.frames == many.frames == SECONDS * 30
        assert abs(many.vmaf - one.vmaf) <= 0.2
        assert abs(many.psnr - one.psnr) <= 0.1
        assert abs(many.size / one.size - 1) <= 0.02
