"""What a worker holds and what it gives back."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path
    from typing import Any


_DOUBTED = 3
"""From this claim on it may be the chunk itself, and not what befell its workers, that fails."""


class Kind(StrEnum):
    PROBE = "probe"
    ENCODE_VIDEO = "encode_video"
    ENCODE_AUDIO = "encode_audio"
    STILLS = "stills"
    IMAGE = "image"
    SUBTITLES = "subtitles"
    MUX = "mux"
    ANALYSIS = "analysis"


@dataclass(frozen=True, slots=True, kw_only=True)
class Input:
    """Something in the object store that a task reads; `size` in bytes."""

    key: str
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """A claimed task; `source_size` in bytes, `output_prefix` the job's folder."""

    id: str
    job_id: str
    kind: Kind
    epoch: int
    source_key: str
    source_size: int
    file_name: str
    output_prefix: str
    spec: Mapping[str, Any]
    trace: Mapping[str, str] = field(default_factory=dict)
    """W3C Trace Context of the call that queued it."""

    @property
    def doubted(self) -> bool:
        return self.epoch >= _DOUBTED

    @property
    def source(self) -> Input:
        return Input(key=self.source_key, size=self.source_size)

    @property
    def inputs(self) -> list[Input]:
        """What it reads, in order: the job's source, unless it says otherwise."""
        return [Input(**each) for each in self.spec.get("inputs", [])] or [self.source]


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """No task: `over` when none is queued, else one may be claimed after `retry_after` seconds."""

    over: bool
    retry_after: float


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredSegment:
    """`size` in bytes; `start` and `ticks` in the track's timescale."""

    key: str
    number: int
    size: int
    start: int
    ticks: int
    frames: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredTrack:
    """What one task made for one rendition, in the object store."""

    rendition: str
    init_key: str
    init_size: int
    codecs: str
    timescale: int
    segments: tuple[StoredSegment, ...]


@dataclass(frozen=True, slots=True)
class Encoded:
    """What came of a task that encodes."""

    tracks: Sequence[StoredTrack]


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """Where a rendition's init segment and some of its segments lie; `codecs` as in RFC 6381."""

    init_key: str
    codecs: str
    keys: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class MadeFile:
    """A plain file that a task made; `name` is its own in the job, `bit_rate` in bits per second."""

    kind: str
    name: str
    path: Path
    content_type: str
    width: int = 0
    height: int = 0
    duration: float = 0.0
    codec: str = ""
    bit_rate: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredFile:
    """The same in the object store; `size` in bytes."""

    made: MadeFile
    key: str
    size: int


@dataclass(frozen=True, slots=True)
class Filed:
    """What came of a task that makes plain files."""

    files: Sequence[StoredFile]
