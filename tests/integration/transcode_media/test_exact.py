"""Every kind of source comes out frame for frame: none lost, none doubled, none moved, wherever it was cut."""

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import pytest

from services.transcode.media.encoders import REORDER
from tests.clips import Clips, beeps, pictures
from tests.clips.library import AAC, X264
from tests.integration.transcode_media.stream import make_stream, steps

OPEN_GOP = (*X264, "-x264-params", "open-gop=1:scenecut=0")
ASP = ("-c:v", "mpeg4", "-q:v", "2", "-bf", "2", "-g", "30", "-vtag", "XVID")
MP3 = ("-c:a", "libmp3lame")
# What LAME puts before the first sample, in a container that has no way to say so.
MP3_DELAY = 1105 / 48000
DEEP = (*X264, "-preset", "medium", "-bf", "8", "-b_strategy", "0", "-refs", "6")
AT_WILL = (*X264, "-force_key_frames", "0.7,1.1,2.9,3.0")
HEALS = (*X264, "-x264-params", "intra-refresh=1")
AV1 = ("-c:v", "libsvtav1", "-preset", "12", "-crf", "20", "-g", "40", "-svtav1-params", "lookahead=0")
VP9 = (
    "-c:v",
    "libvpx-vp9",
    "-deadline",
    "good",
    "-cpu-used",
    "8",
    "-auto-alt-ref",
    "1",
    "-lag-in-frames",
    "16",
    "-g",
    "40",
)
MPEG2 = ("-c:v", "mpeg2video", "-q:v", "2", "-bf", "2", "-g", "15")
HEVC = ("-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "log-level=error:open-gop=1:keyint=40", "-crf", "16")


@dataclass(frozen=True)
class Case:
    """What is made, and what the probe must say of it. `late` is by how much its own audio lags, in seconds."""

    make: Callable[[Clips], Path]
    family: str
    rate: str = "30"
    frames: int = 150
    sound: bool = True
    chunks: int = 4
    late: float = 0.0


def case(
    name: str, family: str, *, frames: int = 150, rate: str = "30", chunks: int = 4, late: float = 0.0, **made: object
) -> Case:
    def make(clips: Clips) -> Path:
        return clips.barcoded(name, frames=frames, rate=rate, **made)  # type: ignore[arg-type]

    return Case(make, family, rate, frames, sound=made.get("audio", AAC) is not None, chunks=chunks, late=late)


CASES = {
    "moov at the end": case("a.mp4", "mp4"),
    "moov in front": case("a.mp4", "mp4", output=("-movflags", "+faststart")),
    "fragmented": case("a.mp4", "mp4", output=("-movflags", "+frag_keyframe+empty_moov")),
    "mov": case("a.mov", "mov", rate="25", frames=125),
    "mkv, times in milliseconds": case("a.mkv", "matroska", rate="30000/1001", chunks=4),
    "mkv hevc with open groups": case("a.mkv", "matroska", rate="24000/1001", frames=120, video=HEVC),
    "open groups": case("a.mp4", "mp4", video=OPEN_GOP),
    "transport stream, open groups": case("a.ts", "mpegts", video=OPEN_GOP),
    "transport stream, one key frame": case("a.ts", "mpegts", video=(*X264, "-g", "999")),
    "transport stream, 23.976": case("a.ts", "mpegts", video=OPEN_GOP, rate="24000/1001", frames=120),
    "blu-ray transport stream": case("a.m2ts", "mpegts", output=("-mpegts_m2ts_mode", "1")),
    "avi, asp and ac3": case("a.avi", "avi", video=ASP, audio=("-c:a", "ac3")),
    "avi, asp and mp3": case("a.avi", "avi", video=ASP, audio=MP3, rate="25", frames=125, late=MP3_DELAY),
    "avi, asp with four pictures reordered": case(
        "a.avi", "avi", video=("-c:v", "mpeg4", "-q:v", "2", "-bf", "3", "-g", "37"), rate="15", frames=75, audio=None
    ),
    "avi, mjpeg": case("a.avi", "avi", video=("-c:v", "mjpeg", "-q:v", "2", "-pix_fmt", "yuvj420p"), audio=None),
    "avi, h264": case("a.avi", "avi", audio=MP3, chunks=1, late=MP3_DELAY),
    "mkv as it was recorded, without an index": case("a.mkv", "matroska", output=("-live", "1")),
    "starts late": case("a.mp4", "mp4", output=("-output_ts_offset", "3.21")),
    "mov with a coarse clock": case("a.mov", "mov", rate="30000/1001", output=("-video_track_timescale", "600")),
    "hevc, mp4": case("a.mp4", "mp4", video=(*HEVC, "-tag:v", "hvc1")),
    "hevc, transport stream": case("a.ts", "mpegts", rate="25", frames=125, video=HEVC),
    "av1, mp4": case("a.mp4", "mp4", video=AV1),
    "av1, webm": case("a.webm", "webm", video=AV1, audio=("-c:a", "libopus")),
    "vp9, hidden pictures": case("a.webm", "webm", video=VP9, audio=("-c:a", "libopus")),
    "vp9, mp4": case("a.mp4", "mp4", video=VP9, rate="25", frames=125),
    "mpeg-4, mp4": case("a.mp4", "mp4", video=("-c:v", "mpeg4", "-q:v", "2", "-bf", "2", "-g", "30")),
    "mpeg-4, mkv": case("a.mkv", "matroska", video=ASP, audio=("-c:a", "ac3")),
    "mpeg-2, transport stream": case("a.ts", "mpegts", rate="25", frames=125, video=MPEG2, audio=("-c:a", "mp2")),
    "every picture a key frame": case("a.mov", "mov", video=("-c:v", "mjpeg", "-q:v", "2", "-pix_fmt", "yuvj420p")),
    "eight pictures reordered": case("a.mp4", "mp4", video=DEEP),
    "eight pictures reordered, mkv": case("a.mkv", "matroska", video=DEEP, rate="50", frames=250),
    "eight pictures reordered, transport stream": case("a.ts", "mpegts", video=DEEP),
    "no picture reordered, mkv": case("a.mkv", "matroska", video=(*X264, "-bf", "0")),
    "key frames at will, mp4": case("a.mp4", "mp4", video=AT_WILL),
    "key frames at will, mkv": case("a.mkv", "matroska", video=AT_WILL),
    "key frames at will, transport stream": case("a.ts", "mpegts", video=AT_WILL),
    "transport stream, after an hour": case("a.ts", "mpegts", output=("-output_ts_offset", "3600")),
    "transport stream, whose clock begins anew": case("a.ts", "mpegts", output=("-output_ts_offset", "95441")),
    "intra refresh, transport stream": case("a.ts", "mpegts", video=HEALS),
    "intra refresh, mkv": case("a.mkv", "matroska", video=HEALS),
    "intra refresh, mp4": case("a.mp4", "mp4", video=HEALS),
    "webm": case("a.webm", "webm", video=("-c:v", "libvpx", "-deadline", "realtime"), audio=("-c:a", "libopus")),
    "flv": case("a.flv", "flv"),
    "asf": case("a.wmv", "asf", video=("-c:v", "wmv2", "-q:v", "2"), audio=("-c:a", "wmav2"), chunks=1),
    "ogg": case("a.ogv", "ogg", video=("-c:v", "libtheora", "-q:v", "9"), audio=("-c:a", "libvorbis"), chunks=1),
    "program stream": case(
        "a.mpg", "mpegps", video=("-c:v", "mpeg2video", "-q:v", "2"), audio=("-c:a", "mp2"), chunks=1
    ),
    "no sound": case("a.mp4", "mp4", audio=None),
    "5.1 sound": case("a.mkv", "matroska", audio=("-c:a", "ac3"), channels=6),
    "sound first": case("a.mp4", "mp4", maps=("-map", "1:a", "-map", "0:v")),
    "10 fps": case("a.mp4", "mp4", rate="10", frames=50),
    "12.5 fps": case("a.mp4", "mp4", rate="25/2", frames=60, audio=None),
    "29.97 fps": case("a.mp4", "mp4", rate="30000/1001"),
    "50 fps": case("a.mp4", "mp4", rate="50", frames=250),
    "59.94 fps": case("a.mkv", "matroska", rate="60000/1001", frames=300),
    "60 fps": case("a.mp4", "mp4", rate="60", frames=300),
}


@pytest.mark.parametrize("kind", CASES)
async def test_every_frame_comes_once_in_order_on_the_grid(kind: str, clips: Clips, scratch: Path) -> None:
    expected = CASES[kind]
    stream = await make_stream(expected.make(clips), scratch)
    video = stream.facts.video
    assert video is not None
    assert (stream.facts.family, video.frame_rate, video.constant_rate) == (
        expected.family,
        Fraction(expected.rate),
        True,
    )
    assert (video.frames, len(stream.plan.chunks)) == (expected.frames, expected.chunks)
    for path in stream.rungs.values():
        shown = pictures(path)
        assert [picture.number for picture in shown] == list(range(expected.frames))
        assert shown[0].time == REORDER / Fraction(expected.rate)
        assert steps([picture.time for picture in shown]) == {1 / Fraction(expected.rate)}
    if expected.sound:
        _assert_in_sync(stream.top, stream.audio, float(expected.frames / Fraction(expected.rate)), expected.late)


def _assert_in_sync(video: Path, audio: Path | None, seconds: float, late: float) -> None:
    """Flash and beep within 20 ms. The first beep gives way to the decoder's priming."""
    assert audio is not None
    flashes = [float(picture.time) for picture in pictures(video) if picture.flash]
    heard = beeps(audio)
    assert len(flashes) >= int(seconds)
    for flash in flashes[1:]:
        assert min(abs(flash + late - beep) for beep in heard) <= 0.02, (flashes, heard)
