"""Decode until the first picture and the first sound: what a header claims is only known once it decodes."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Generic, TypeVar

import av
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.stream import Stream
from av.video.frame import VideoFrame
from av.video.reformatter import ColorPrimaries, ColorTrc
from av.video.stream import VideoStream

from services.transcode.media.errors import BadMedia
from services.transcode.media.facts import Hdr
from services.transcode.media.limits import MAX_PIXELS

if TYPE_CHECKING:
    from av.packet import Packet

_HDR: dict[int, Hdr] = {ColorTrc.SMPTE2084.value: "pq", ColorTrc.ARIB_STD_B67.value: "hlg"}

S = TypeVar("S", bound=VideoStream | AudioStream)
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """`pts` in the stream's time base; `rotation` in degrees clockwise."""

    pts: int | None
    width: int
    height: int
    sar: Fraction
    rotation: int
    pix_fmt: str
    transfer: str | None
    primaries: str | None
    hdr: Hdr
    interlaced: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Sound:
    """`pts` in the stream's time base."""

    pts: int | None
    channels: int
    sample_rate: int


def has_decoder(stream: Stream) -> bool:
    """A stream whose codec nobody knows has no codec context, whatever its type says."""
    return getattr(stream, "codec_context", None) is not None


class _First(ABC, Generic[S, T]):
    """Feeds packets to the stream's decoder until one frame comes out."""

    def __init__(self, stream: S) -> None:
        self.stream = stream
        self._found: T | None = None
        if not has_decoder(stream):
            raise BadMedia("unsupported_codec", f"no decoder for {stream.type} stream {stream.index}")
        stream.codec_context.thread_count = 1

    @property
    def time_base(self) -> Fraction:
        return self.stream.time_base or Fraction(1)

    def feed(self, packet: "Packet[Stream]") -> None:
        """The empty packet at the end drains the decoder."""
        if self._found is not None:
            return
        try:
            frames = self.stream.codec_context.decode(packet)
        except (av.error.InvalidDataError, av.error.EOFError):
            # Leading packets may lean on ones from before the file began.
            return
        except av.error.ArgumentError as error:
            # What `max_pixels` makes of a picture that only shows its size once it is decoded.
            raise BadMedia("too_large", f"a picture of more than {MAX_PIXELS} pixels") from error
        except (av.error.DecoderNotFoundError, av.error.PatchWelcomeError, av.error.NotImplementedError) as error:
            raise BadMedia("unsupported_codec", f"{self.stream.codec_context.name}: {error.strerror}") from error
        if frames:
            self._found = self._describe(frames[0])

    def require(self) -> T:
        if self._found is None:
            raise BadMedia("corrupt", f"nothing of the {self.stream.codec_context.name} {self.stream.type} decodes")
        return self._found

    @abstractmethod
    def _describe(self, frame: VideoFrame | AudioFrame) -> T: ...


class FirstPicture(_First[VideoStream, Picture]):
    def __init__(self, stream: VideoStream) -> None:
        super().__init__(stream)
        if stream.width * stream.height > MAX_PIXELS:
            raise BadMedia("too_large", f"{stream.width}x{stream.height} pixels are more than {MAX_PIXELS}")
        stream.codec_context.options = {"max_pixels": str(MAX_PIXELS)}

    def _describe(self, frame: VideoFrame | AudioFrame) -> Picture:
        assert isinstance(frame, VideoFrame)
        return Picture(
            pts=frame.pts,
            width=frame.width,
            height=frame.height,
            sar=self.stream.sample_aspect_ratio or Fraction(1),
            # FFmpeg's angle runs counter-clockwise.
            rotation=-round(frame.rotation / 90) * 90 % 360,
            pix_fmt=frame.format.name,
            transfer=_name(ColorTrc, frame.color_trc),
            primaries=_name(ColorPrimaries, frame.color_primaries),
            hdr=_HDR.get(frame.color_trc, "none"),
            interlaced=frame.interlaced_frame,
        )


class FirstSound(_First[AudioStream, Sound]):
    def _describe(self, frame: VideoFrame | AudioFrame) -> Sound:
        assert isinstance(frame, AudioFrame)
        return Sound(pts=frame.pts, channels=frame.layout.nb_channels, sample_rate=frame.sample_rate)


Decoder = FirstPicture | FirstSound


def _name(kind: type[ColorTrc] | type[ColorPrimaries], value: int) -> str | None:
    known = {each.value: each.name.lower() for each in kind}
    return None if known.get(value) == "unspecified" else known.get(value)
