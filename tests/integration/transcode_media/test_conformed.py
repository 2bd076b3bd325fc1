"""What players cannot show as it is becomes what they can: fields, wide colours, loud and quiet sound."""

import subprocess
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from services.transcode.media.loudness import read_loudness
from services.transcode.worker.ffmpeg import find_ffmpeg
from tests.clips import Clips, pictures, similarity
from tests.clips.library import X264
from tests.integration.transcode_media.stream import in_one_go, make_stream, steps

# 10, 100 and 1000 candela per square metre; a quarter, a half and three quarters of the signal. And what they become.
CURVES = {
    "pq": ("smpte2084", (0.3, 0.508, 0.7518), (66, 157, 255)),
    "hlg": ("arib-std-b67", (0.25, 0.5, 0.75), (65, 124, 193)),
}
MOVING = "testsrc2=s=320x180:r=60000/1001:d=5,scroll=horizontal=0.02"
"""Twice as many pictures as frames: each field is of another time."""


@pytest.mark.parametrize("order", ["interleave_top", "interleave_bottom"])
async def test_fields_become_pictures(order: str, clips: Clips, scratch: Path) -> None:
    first = "tff" if order == "interleave_top" else "bff"
    woven = ("-vf", f"tinterlace={order},setfield={first}")
    codec = ("-c:v", "mpeg2video", "-q:v", "2", "-bf", "2", "-g", "15", "-flags", "+ildct+ilme")
    source = clips.made("a.ts", "-f", "lavfi", "-i", MOVING, *woven, *codec)
    stream = await make_stream(source, scratch)
    assert stream.facts.video is not None
    assert stream.facts.video.interlaced
    assert len(stream.plan.chunks) > 1
    shown = pictures(stream.top)
    assert len(shown) == stream.facts.video.frames
    assert steps([picture.time for picture in shown]) == {Fraction(1001, 30000)}
    # The pictures that the first fields were taken from.
    whole = clips.made("b.mp4", "-f", "lavfi", "-i", MOVING, "-vf", "select=not(mod(n\\,2)),scale=256:144", *X264)
    pairs = list(zip(grays(stream.top), grays(whole), strict=False))[5:-5]
    assert min(similarity(mine, theirs) for mine, theirs in pairs) > 0.9


async def test_a_picture_at_a_join_has_its_fields_neighbours(clips: Clips, scratch: Path, tmp_path: Path) -> None:
    """The same as in one go, where the deinterlacer has seen what came before."""
    woven = ("-vf", "tinterlace=interleave_top,setfield=tff")
    source = clips.made(
        "a.mp4", "-f", "lavfi", "-i", MOVING, *woven, *X264, "-flags", "+ildct+ilme", "-x264opts", "tff=1"
    )
    stream = await make_stream(source, scratch)
    (tmp_path / "whole").mkdir()
    whole = await make_stream(source, tmp_path / "whole", cut=in_one_go)
    assert len(stream.plan.chunks) > 2
    for mine, theirs in zip(colours(stream.top), colours(whole.top), strict=True):
        assert np.abs(mine.astype(int) - theirs).mean() < 4


@pytest.mark.parametrize("kind", CURVES)
async def test_wide_colours_become_those_of_every_screen(kind: str, clips: Clips, scratch: Path) -> None:
    curve, signals, expected = CURVES[kind]
    levels = [round(64 + 876 * signal) for signal in signals]
    bars = f"if(lt(X,80),{levels[0]},if(lt(X,160),{levels[1]},if(lt(X,240),{levels[2]},{levels[1]})))"
    drawn = f"nullsrc=s=320x180:r=30:d=2,format=yuv420p10le,geq=lum='{bars}':cb=512:cr='if(lt(X,120),512,640)'"
    named = f"setparams=color_trc={curve}:color_primaries=bt2020:colorspace=bt2020nc"
    tags = ("-color_primaries", "bt2020", "-color_trc", curve, "-colorspace", "bt2020nc")
    codec = ("-c:v", "libx265", "-x265-params", "log-level=error", "-preset", "ultrafast", "-crf", "10")
    source = clips.made("a.mkv", "-f", "lavfi", "-i", f"{drawn},{named}", *codec, *tags)
    stream = await make_stream(source, scratch)
    assert stream.facts.video is not None
    assert stream.facts.video.hdr == kind
    with av.open(stream.top) as container:
        frames = list(container.decode(video=0))
        context = container.streams.video[0].codec_context
        assert (context.color_trc, context.color_primaries, context.colorspace) == (1, 1, 1)
    assert len(frames) == 60
    assert {frame.format.name for frame in frames} == {"yuv420p"}
    for frame in (frames[0], frames[30], frames[59]):
        row = frame.to_ndarray(format="rgb24")[70].astype(int)
        greys = [row[24], row[84], row[150]]
        assert all(np.abs(grey - level).max() <= 8 for grey, level in zip(greys, expected, strict=True)), greys
        assert row[235][0] - max(row[235][1:]) > 80, row[235]


@pytest.mark.parametrize("level", ["0.03", "0.9"])
async def test_sound_comes_out_as_loud_as_other_sound(level: str, clips: Clips, scratch: Path) -> None:
    source = clips.made("a.flac", "-f", "lavfi", "-i", f"anoisesrc=c=pink:a={level}:d=6:seed=1")
    stream = await make_stream(source, scratch)
    assert stream.audio is not None
    assert abs(loudness(stream.audio) + 23) <= 0.5


async def test_silence_stays_silent(clips: Clips, scratch: Path) -> None:
    source = clips.made("a.wav", "-f", "lavfi", "-i", "anullsrc=r=44100:d=2")
    stream = await make_stream(source, scratch)
    assert stream.audio is not None


def loudness(path: Path) -> float:
    argv = [
        str(find_ffmpeg()),
        "-hide_banner",
        "-nostats",
        "-i",
        str(path),
        "-af",
        "ebur128=peak=true:framelog=quiet",
        "-f",
        "null",
        "-",
    ]
    return read_loudness(subprocess.run(argv, capture_output=True, text=True, check=True).stderr).integrated


def grays(path: Path) -> list[NDArray[Any]]:
    return [picture.mean(axis=2) for picture in colours(path)]


def colours(path: Path) -> list[NDArray[Any]]:
    with av.open(path) as container:
        return [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
