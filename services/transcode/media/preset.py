"""What to make of a source, as data, and its identity."""

import hashlib
import json
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from services.transcode.media.edits import NO_EDITS, Edits
from services.transcode.media.encoders import Codec, Encoder
from services.transcode.media.plain import Plain, from_plain, to_plain

# Part of a job's identity: raise it whenever the same preset starts to give other bytes.
ENCODER_VERSION = "3"


AudioCodec = Literal["aac", "opus"]
Container = Literal["mp4", "webm", "m4a"]
ImageFormat = Literal["webp", "jpeg", "avif"]
Fit = Literal["contain", "pad"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PresetRung:
    """A size of so many pixels on the shorter side, left out where the source is smaller, or one in a box.

    The box is `width` by `height`, 0 where that side follows from the other. The picture keeps its shape: it is made to
    fit (`contain`), and the box filled with black (`pad`). It is enlarged only if `upscale` says so. `maxrate` caps the
    rate, in bits per second up to 30 frames per second; without `bit_rate` a constant quality is aimed at, `crf` or
    else the video's. `container` is that of a file of this rung alone.
    """

    short_side: int = 0
    width: int = 0
    height: int = 0
    fit: Fit = "contain"
    upscale: bool = False
    maxrate: int = 0
    bit_rate: int = 0
    crf: int = 0
    container: Container | None = None

    def to_json(self) -> Plain:
        plain: Plain = to_plain(self)
        return plain


@dataclass(frozen=True, slots=True, kw_only=True)
class PresetVideo:
    """One codec's rungs, from the highest down. `crf` and `speed` are on the encoder's own scales."""

    codec: Codec = "h264"
    encoder: Encoder = "libx264"
    speed: str = "veryfast"
    crf: int = 23
    rungs: tuple[PresetRung, ...]

    @classmethod
    def from_json(cls, data: Plain) -> "PresetVideo":
        return from_plain(cls, data)


@dataclass(frozen=True, slots=True, kw_only=True)
class PresetAudio:
    """`bit_rate` in bits per second. `loudness` in LUFS is what it comes to (EBU R128); None leaves it as it is."""

    codec: AudioCodec = "aac"
    bit_rate: int = 128_000
    loudness: Fraction | None = Fraction(-23)


@dataclass(frozen=True, slots=True, kw_only=True)
class PresetSize:
    """`side` is the longer side at most, in pixels."""

    name: str
    side: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PresetImage:
    """What to make of an image. An animation that is not `animated` any more is its first picture."""

    format: ImageFormat = "webp"
    quality: int = 80
    animated: bool = True
    sizes: tuple[PresetSize, ...] = (
        PresetSize(name="thumb", side=320),
        PresetSize(name="medium", side=1024),
        PresetSize(name="large", side=2048),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class PresetPoster:
    """`second` into the video, or a picture that is chosen."""

    second: Fraction | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PresetAnalysis:
    """`vmaf` compares each rung with the source, which costs nearly as much as encoding it."""

    vmaf: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Preset:
    """What a job makes: a job keeps its own copy, so that nothing done to the preset later changes it.

    `frame_rate` is the source's own where none is named. `stream` is HLS and DASH; `files` are the containers in which
    each best rung also, or only, comes in one piece. Seconds for `gop_seconds` and `chunk_seconds`; `early_chunks` is
    how many chunks of one GOP come first. A job's own edits come over those of its preset.
    """

    name: str
    description: str = ""
    video: tuple[PresetVideo, ...] = ()
    audio: PresetAudio | None = PresetAudio()
    frame_rate: Fraction | None = None
    stream: bool = True
    files: tuple[Container, ...] = ()
    image: PresetImage = PresetImage()
    poster: PresetPoster | None = None
    gop_seconds: int = 4
    chunk_seconds: int = 12
    early_chunks: int = 2
    edits: Edits = NO_EDITS
    analysis: PresetAnalysis | None = None

    def to_json(self) -> Plain:
        plain: Plain = to_plain(self)
        return plain

    @classmethod
    def from_json(cls, data: Plain) -> "Preset":
        return from_plain(cls, data)


def preset_hash(preset: Preset) -> str:
    """SHA-256 in hex over everything the preset says except what it is called: equal settings are one preset."""
    settings = preset.to_json()
    del settings["name"], settings["description"]
    # As before there was any.
    if preset.analysis is None:
        del settings["analysis"]
    return hashlib.sha256(json.dumps(settings, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
