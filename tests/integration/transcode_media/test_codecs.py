"""Every codec that a preset can name joins without a seam, and says what it is."""

import re
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import pytest

from services.transcode.media.encoders import CODECS, REORDER, Codec
from services.transcode.media.preset import Preset
from tests.clips import Clips, pictures
from tests.integration.transcode_media.stream import TINY, make_stream, steps

STRINGS: dict[Codec, str] = {
    "h264": r"avc1\.[0-9a-f]{6}",
    "hevc": r"hvc1\.1\.6\.L\d+\.90",
    "av1": r"av01\.0\.\d\d[MH]\.08",
    "vp9": r"vp09\.00\.\d\d\.08",
}


def by(*codecs: Codec) -> Preset:
    (video,) = TINY.video
    return replace(
        TINY,
        video=tuple(
            replace(video, codec=codec, encoder=CODECS[codec].encoder, speed=CODECS[codec].speed) for codec in codecs
        ),
    )


MPEG2 = ("-c:v", "mpeg2video", "-q:v", "2", "-bf", "2", "-g", "15")
VP8 = ("-c:v", "libvpx", "-deadline", "realtime", "-b:v", "2M")
OPUS = ("-c:a", "libopus")
KINDS: dict[str, tuple[str, dict[str, Any]]] = {
    "mp4": ("a.mp4", {}),
    "mov, 29.97": ("a.mov", {"rate": "30000/1001"}),
    "mkv, 50": ("a.mkv", {"rate": "50"}),
    "webm": ("a.webm", {"video": VP8, "audio": OPUS}),
    "transport stream": ("a.ts", {"video": MPEG2, "audio": ("-c:a", "mp2")}),
    "program stream": ("a.mpg", {"video": MPEG2, "audio": ("-c:a", "mp2"), "rate": "25"}),
    "avi": ("a.avi", {"video": ("-c:v", "mpeg4", "-q:v", "2", "-vtag", "XVID"), "audio": ("-c:a", "ac3")}),
    "flv": ("a.flv", {}),
    "wmv": ("a.wmv", {"video": ("-c:v", "wmv2", "-q:v", "2"), "audio": ("-c:a", "wmav2")}),
    "ogg": ("a.ogv", {"video": ("-c:v", "libtheora", "-q:v", "9"), "audio": ("-c:a", "libvorbis")}),
    "portrait, silent": ("a.mp4", {"size": (180, 320), "audio": None}),
    "below every rung": ("a.mp4", {"size": (128, 72), "rate": "10"}),
}


@pytest.mark.parametrize("kind", KINDS)
async def test_every_codec_takes_every_kind_of_source(kind: str, clips: Clips, scratch: Path) -> None:
    name, made = KINDS[kind]
    stream = await make_stream(clips.barcoded(name, frames=36, **made), scratch, by("h264", "hevc", "av1", "vp9"))
    assert {rung.codec for rung in stream.plan.rungs} == set(CODECS)
    for rung in stream.plan.rungs:
        shown = pictures(stream.rungs[rung.name])
        assert [picture.number for picture in shown] == list(range(36)), rung.name
        assert steps([picture.time for picture in shown]) == {1 / Fraction(made.get("rate", "30"))}


@pytest.mark.parametrize("codecs", [("hevc",), ("av1",), ("vp9",), ("av1", "h264")])
async def test_every_frame_comes_once_in_every_codec(codecs: tuple[Codec, ...], clips: Clips, scratch: Path) -> None:
    stream = await make_stream(clips.barcoded("a.mp4", frames=130, rate="25"), scratch, by(*codecs))
    assert len(stream.plan.chunks) == 4
    assert len(stream.rungs) == 2 * len(codecs)
    for rung in stream.plan.rungs:
        shown = pictures(stream.rungs[rung.name])
        assert [picture.number for picture in shown] == list(range(130))
        assert shown[0].time == Fraction(REORDER, 25)
        assert steps([picture.time for picture in shown]) == {Fraction(1, 25)}
        with av.open(str(stream.rungs[rung.name])) as file:
            video = file.streams.video[0]
            assert video.codec_context.codec.canonical_name == rung.codec
            assert (video.width, video.height) == (rung.width, rung.height)
        (codecs_string,) = {track.codecs for track in stream.tracks[rung.name]}
        assert re.fullmatch(STRINGS[rung.codec], codecs_string)
