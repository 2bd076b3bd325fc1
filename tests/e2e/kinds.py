"""What people upload: a short clip of every kind, and what has to be seen and heard of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from tests.clips import Clips

FRAMES, RATE = 18, Fraction(15)
"""Just long enough for a second flash and beep."""
ASP = ("-c:v", "mpeg4", "-q:v", "3", "-bf", "2", "-g", "25", "-vtag", "XVID")
HEVC = ("-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "log-level=error:open-gop=1:keyint=10", "-crf", "16")
VP9 = ("-c:v", "libvpx-vp9", "-deadline", "good", "-cpu-used", "8", "-crf", "16", "-b:v", "0", "-g", "10")
AV1 = ("-c:v", "libsvtav1", "-preset", "12", "-crf", "20", "-g", "10", "-svtav1-params", "lookahead=0")
LOSSLESS = ("-c:v", "ffv1", "-pix_fmt", "yuv444p")
AC3, OPUS = ("-c:a", "ac3"), ("-c:a", "libopus")
DROPPED = r"select=not(eq(mod(n\,7)\,3)),setpts=PTS"
MP3_DELAY = 1105 / 48000
"""Seconds: what LAME puts before the first sample, in a container that has no way to say so."""


def turned(clips: Clips) -> Path:
    straight = clips.barcoded("straight.mp4", frames=FRAMES, rate=str(RATE), size=(192, 108))
    return clips.made("turned.mp4", "-display_rotation", "90", "-i", str(straight), "-c", "copy")


def sound_alone(clips: Clips) -> Path:
    wave = r"aevalsrc='0.6*sin(2*PI*1000*t)*lt(mod(t\,1)\,0.04)':s=44100:d=1.2"
    return clips.made("sound.flac", "-f", "lavfi", "-i", wave)


def picture(clips: Clips) -> Path:
    return clips.made("picture.png", "-f", "lavfi", "-i", "testsrc2=s=1200x800", "-frames:v", "1", "-update", "1")


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """`name` of the file, made by `maker`, or else barcoded as `made` says.

    `size` as a viewer sees it, in even pixels, and `lower` rungs of a ladder below it. `numbers` of its pictures, which
    can be read after so many quarter `turns`. Its own audio lags by `late` seconds.
    """

    name: str = ""
    maker: Callable[[Clips], Path] | None = None
    made: Mapping[str, Any] = field(default_factory=dict)
    media: Literal["video", "audio", "image"] = "video"
    size: tuple[int, int] = (192, 108)
    lower: tuple[tuple[int, int], ...] = ()
    numbers: tuple[int, ...] = tuple(range(FRAMES))
    rate: Fraction = RATE
    sound: bool = True
    late: float = 0.0
    turns: int = 0

    @property
    def seconds(self) -> float:
        return float(len(self.numbers) / self.rate)

    def file(self, clips: Clips) -> Path:
        if self.maker:
            return self.maker(clips)
        options = {"frames": len(self.numbers), "rate": str(self.rate), "size": self.size, **self.made}
        return clips.barcoded(self.name, **options)


KINDS = {
    "mp4, index at the end": Kind(
        name="a.mp4", rate=Fraction(10), numbers=tuple(range(12)), size=(640, 480), lower=((480, 360),)
    ),
    "mp4, index in front, sound first": Kind(
        name="b.mp4", made={"maps": ("-map", "1:a", "-map", "0:v"), "output": ("-movflags", "+faststart")}
    ),
    "mov, pixels not square": Kind(
        name="c.mov",
        rate=Fraction(25),
        numbers=tuple(range(30)),
        made={"size": (144, 108), "filters": "setsar=4/3"},
    ),
    "mkv, HEVC, 5.1": Kind(
        name="d.mkv",
        rate=Fraction(24000, 1001),
        numbers=tuple(range(29)),
        made={"video": HEVC, "audio": AC3, "channels": 6},
    ),
    "avi, MPEG-4 ASP and MP3": Kind(name="e.avi", made={"video": ASP, "audio": ("-c:a", "libmp3lame")}, late=MP3_DELAY),
    "avi, MPEG-4 ASP and AC-3": Kind(
        name="f.avi", rate=Fraction(25), numbers=tuple(range(30)), made={"video": ASP, "audio": AC3}
    ),
    "odd size, no sound": Kind(name="g.mkv", made={"size": (193, 109), "video": LOSSLESS, "audio": None}, sound=False),
    "variable frame rate": Kind(
        name="h.mkv",
        made={"filters": DROPPED, "output": ("-fps_mode", "vfr")},
        numbers=tuple(number - (number % 7 == 3) for number in range(20)),
    ),
    "turned by 90 degrees": Kind(maker=turned, size=(108, 192), turns=-1),
    "transport stream, from an hour on": Kind(
        name="i.ts",
        rate=Fraction(30000, 1001),
        numbers=tuple(range(36)),
        made={"output": ("-output_ts_offset", "3600")},
    ),
    "webm, VP9 and Opus": Kind(name="j.webm", made={"video": VP9, "audio": OPUS}),
    "mp4, AV1": Kind(name="k.mp4", made={"video": AV1}),
    "sound alone": Kind(maker=sound_alone, media="audio"),
    "an image": Kind(maker=picture, media="image", size=(1200, 800)),
}
