"""Files in one piece: which tracks of a stream they hold, in what container."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from services.transcode.media.encoders import Codec
from services.transcode.media.ladder import Rung
from services.transcode.media.plain import Plain, from_plain, to_plain
from services.transcode.media.preset import Container

AUDIO_NAME = "audio"


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """How ffmpeg calls the container, and what it may hold."""

    muxer: str
    content_type: str
    kind: str
    video: tuple[Codec, ...] = ()
    options: tuple[str, ...] = ()


_FRONT = ("-movflags", "+faststart")
FORMATS: dict[Container, Format] = {
    "mp4": Format(
        muxer="mp4", content_type="video/mp4", kind="file", video=("h264", "hevc", "av1", "vp9"), options=_FRONT
    ),
    "webm": Format(muxer="webm", content_type="video/webm", kind="file", video=("vp9", "av1")),
    "m4a": Format(muxer="ipod", content_type="audio/mp4", kind="audio", options=_FRONT),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Mux:
    """One task: a file called `name` of the renditions in `tracks`, its times from zero: `delay` before theirs.

    `frames` counts the pictures, `duration` is in seconds.
    """

    name: str
    container: Container
    tracks: tuple[str, ...]
    frames: int
    duration: Fraction
    delay: Fraction
    width: int = 0
    height: int = 0

    @property
    def format(self) -> Format:
        return FORMATS[self.container]

    def to_json(self) -> Plain:
        plain: Plain = to_plain(self)
        return plain

    @classmethod
    def from_json(cls, data: Plain) -> "Mux":
        return from_plain(cls, data)


def best_for(container: Container, rungs: Sequence[Rung]) -> Rung | None:
    """The largest that the container may hold; of equal ones the first."""
    return max(
        (rung for rung in rungs if rung.codec in FORMATS[container].video),
        key=lambda rung: rung.width * rung.height,
        default=None,
    )
