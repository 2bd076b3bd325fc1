"""What is known of a source after it has been read once from end to end."""

from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from services.transcode.media.families import FAMILIES, Family, Kind
from services.transcode.media.plain import Plain, from_plain, to_plain

Hdr = Literal["none", "pq", "hlg"]


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoFacts:
    """The chosen video stream. Times are seconds on the container's own clock.

    `width` and `height` are as coded, before `sar` (width of a pixel over its height) and `rotation` (degrees
    clockwise that bring it upright). `start` is the first frame's time as a decoder gives it, `sync_start` the time of
    the audio that belongs with it: they differ where packets are timed only by decoding. `frame_rate` is exact when
    `constant_rate`, else the average; `nominal_rate` is the rate of its quickest passages. `longest_frame` is the
    longest time one frame stays, `keyframe_gap` the longest way between two key frames, `keyframe_period` every way
    between them where they are all the same and begin with the first frame. `key_delay` is the longest time from when
    a key frame is decoded to when it is shown, `key_delay_spread` how much longer that is than the shortest. `packed`
    is a stream of which some packets hold several pictures, as DivX wrote them. `healing` is how many frames it takes
    at most from a key frame until pictures are whole. `interlaced` pictures are two fields, shown one after the other.
    """

    stream: int
    codec: str
    width: int
    height: int
    sar: Fraction
    rotation: int
    start: Fraction
    sync_start: Fraction
    duration: Fraction
    frame_rate: Fraction
    nominal_rate: Fraction
    constant_rate: bool
    frames: int
    longest_frame: Fraction
    keyframe_gap: Fraction
    pix_fmt: str
    transfer: str | None
    primaries: str | None
    hdr: Hdr
    bit_rate: int | None
    # Not known of sources that were read before these were asked.
    keyframe_period: Fraction | None = None
    key_delay: Fraction = Fraction(0)
    key_delay_spread: Fraction = Fraction(0)
    packed: bool = False
    healing: int = 0
    interlaced: bool = False

    @property
    def display_size(self) -> tuple[int, int]:
        """Width and height as a viewer sees them: square pixels, upright."""
        wide = max(1, round(self.width * self.sar))
        return (self.height, wide) if self.rotation in (90, 270) else (wide, self.height)


@dataclass(frozen=True, slots=True, kw_only=True)
class AudioFacts:
    """The chosen audio stream. `start` is when its first sample sounds, on the container's clock, in seconds."""

    stream: int
    codec: str
    channels: int
    sample_rate: int
    start: Fraction
    duration: Fraction
    bit_rate: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SubtitleFacts:
    """A stream of subtitles that are text, with `language` and `title` as the container has them.

    `kept` is the name of its packets among what the probe kept of the source.
    """

    stream: int
    codec: str
    language: str = ""
    title: str = ""
    default: bool = False
    forced: bool = False
    hearing_impaired: bool = False
    kept: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceFacts:
    """A source file. `duration` in seconds is the video's, without video the audio's, and 0 for an image."""

    sha256: str
    size: int
    family: str
    kind: Kind
    duration: Fraction
    video: VideoFacts | None
    audio: AudioFacts | None
    subtitles: tuple[SubtitleFacts, ...] = ()

    @property
    def container(self) -> Family:
        return FAMILIES[self.family]

    def to_json(self) -> Plain:
        plain: Plain = to_plain(self)
        return plain

    @classmethod
    def from_json(cls, data: Plain) -> "SourceFacts":
        return from_plain(cls, data)
