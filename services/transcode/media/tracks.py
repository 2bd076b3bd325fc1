"""What playlists are written from: tracks, their segments, and what can be measured on them."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from math import ceil
from typing import Literal, NamedTuple


class Segment(NamedTuple):
    """A media segment. `number` counts from 0 through the whole track; `start` and `ticks` in the track's timescale.

    `uri` is relative to the playlist that lists it; `size` is in bytes.
    """

    number: int
    uri: str
    start: int
    ticks: int
    size: int


@dataclass(frozen=True, kw_only=True)
class Track:
    """One rung, or the audio. `uri` is its media playlist as the master names it, `init_uri` as the playlist names it.

    Only the segments from 0 on without a gap count, those in `playable`: chunks land in any order, players read in one.
    """

    name: str
    kind: Literal["video", "audio"]
    uri: str
    init_uri: str
    timescale: int
    codecs: str
    segments: tuple[Segment, ...]
    playable: tuple[Segment, ...] = field(init=False)
    width: int = 0
    height: int = 0
    frame_rate: Fraction = Fraction(0)
    channels: int = 0
    sample_rate: int = 0

    def __post_init__(self) -> None:
        object.__setattr__(self, "playable", contiguous(self.segments))

    @cached_property
    def duration(self) -> Fraction:
        """Seconds of the playable part."""
        return Fraction(sum(segment.ticks for segment in self.playable), self.timescale)

    @cached_property
    def average_bandwidth(self) -> int:
        """Bits per second over the playable part (RFC 8216, AVERAGE-BANDWIDTH)."""
        size = sum(segment.size for segment in self.playable)
        return ceil(8 * size / self.duration) if self.duration else 0

    @cached_property
    def peak_bandwidth(self) -> int:
        """Bits per second of the densest run of segments, never below the average (RFC 8216, BANDWIDTH).

        A run lasts 0.5 to 1.5 times the longest segment, so that a last one of one frame counts with the one before.
        """
        longest = max((segment.ticks for segment in self.playable), default=0)
        runs = _runs(self.playable, longest // 2, longest * 3 // 2)
        dense = max((ceil(8 * size * self.timescale / ticks) for size, ticks in runs if ticks), default=0)
        return max(dense, self.average_bandwidth)


def _runs(segments: tuple[Segment, ...], shortest: int, longest: int) -> Iterator[tuple[int, int]]:
    """Bytes and ticks of every run of neighbours that lasts between the two."""
    for first in range(len(segments)):
        size = ticks = 0
        for place in range(first, len(segments)):
            size, ticks = size + segments[place].size, ticks + segments[place].ticks
            if ticks > longest:
                break
            if ticks >= shortest:
                yield size, ticks


def contiguous(segments: Iterable[Segment]) -> tuple[Segment, ...]:
    """The segments 0, 1, 2 … up to the first one that is missing."""
    by_number = sorted(segments, key=lambda segment: segment.number)
    return tuple(segment for place, segment in enumerate(by_number) if segment.number == place)
