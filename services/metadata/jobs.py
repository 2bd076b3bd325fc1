"""What a job found in an asset, and made of it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from services.metadata.kinds import Kind


class OutputState(StrEnum):
    PREPARING = "preparing"
    READY = "ready"
    SKIPPED = "skipped"
    ERRORED = "errored"


@dataclass(frozen=True, slots=True, kw_only=True)
class Media:
    """What the probe found; `duration` in seconds, `bit_rate` in bits per second, `frame_rate` a ratio."""

    container: str = ""
    duration: float = 0.0
    width: int = 0
    height: int = 0
    frame_rate: str = ""
    rotation: int = 0
    bit_rate: int = 0
    video_codec: str = ""
    audio_codec: str = ""
    hdr: str = ""
    audio_channels: int = 0
    audio_sample_rate: int = 0
    frames: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """Something that a job made of the asset; `size` in bytes, `duration` in seconds, `bit_rate` in bits per second."""

    id: str
    job_id: str
    kind: str
    name: str = ""
    state: OutputState = OutputState.PREPARING
    object_key: str = ""
    width: int = 0
    height: int = 0
    bit_rate: int = 0
    codec: str = ""
    size: int = 0
    duration: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A job as it was right after one of its facts; ids of later jobs are greater."""

    id: str
    tenant_id: str
    asset_id: str
    attempts: int = 0
    playable: bool = False
    outputs: tuple[Output, ...] = ()
    object_prefix: str = ""
    error_code: str = ""
    error_message: str = ""
    kind: Kind | None = None
    sha256: str = ""
    media: Media | None = None
