"""What the tasks of a job made: renditions, and the segments that they consist of."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

from meshkit.errors import Conflict


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendition:
    """One rung, or the audio, of a job; what is empty is known with the first result."""

    job_id: str
    name: str
    kind: str
    place: int
    """Its order in the playlists."""
    width: int = 0
    height: int = 0
    frame_rate: str = ""
    init_key: str = ""
    codec: str = ""
    timescale: int = 0

    def described(self, init_key: str, codec: str, timescale: int) -> Rendition:
        """Raises Conflict when a chunk's init segment is not that of the chunks before it."""
        if self.init_key and self.init_key != init_key:
            raise Conflict("init_mismatch", f"{self.name}: the init segments of two chunks differ")
        return replace(self, init_key=init_key, codec=codec, timescale=timescale)


class Segment(NamedTuple):
    """`size` in bytes; `start` and `ticks` in the rendition's timescale."""

    rendition: str
    number: int
    key: str
    size: int
    start: int
    ticks: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What one encode task gave for one rendition."""

    rendition: str
    init_key: str
    codec: str
    timescale: int
    segments: tuple[Segment, ...]
