"""Every codec that a preset can name joins without a seam, and says what it is."""

import re
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

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
