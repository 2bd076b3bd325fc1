"""What a stream should be, as data: the shipped presets and their identity."""

import hashlib
import json
from dataclasses import dataclass

from services.transcode.media.encoders import Encoder
from services.transcode.media.plain import Plain, from_plain, to_plain

# Part of a job's identity: raise it whenever the same preset starts to give other bytes.
ENCODER_VERSION = "2"


@dataclass(frozen=True, slots=True, kw_only=True)
class PresetRung:
    """`height` is the short side in pixels; `maxrate` caps the CRF, in bits per second up to 30 frames per second."""

    height: int
    maxrate: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Preset:
    """Rungs from the highest down. `reorder` is how many frames a picture is decoded before it is shown, at most.

    Seconds for `gop_seconds` and `chunk_seconds`, bits per second for the audio."""

    name: str
    video_codec: str = "h264"
    video_encoder: Encoder = "libx264"
    rungs: tuple[PresetRung, ...]
    gop_seconds: int = 4
    chunk_seconds: int = 8
    early_chunks: int = 2
    speed: str = "veryfast"
    reorder: int = 2
    crf: int = 23
    audio_codec: str = "aac"
    audio_bit_rate: int = 128_000

    def to_json(self) -> Plain:
        plain: Plain = to_plain(self)
        return plain

    @classmethod
    def from_json(cls, data: Plain) -> "Preset":
        return from_plain(cls, data)


HLS = Preset(
    name="hls",
    rungs=(
        PresetRung(height=1080, maxrate=5_000_000),
        PresetRung(height=720, maxrate=2_800_000),
        PresetRung(height=480, maxrate=1_400_000),
        PresetRung(height=360, maxrate=800_000),
    ),
)

PRESETS = {preset.name: preset for preset in (HLS,)}


def preset_hash(preset: Preset) -> str:
    """SHA-256 in hex over everything the preset says except its name: equal settings are one preset."""
    settings = preset.to_json()
    del settings["name"]
    return hashlib.sha256(json.dumps(settings, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
