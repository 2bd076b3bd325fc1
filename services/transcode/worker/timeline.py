"""When the frames of a stream are shown, collected packet by packet."""

from dataclasses import dataclass, field
from fractions import Fraction
from itertools import pairwise

from services.transcode.media.rates import constant_rate, nominal_rate


@dataclass(slots=True)
class Timeline:
    """Ticks are in the stream's `time_base` seconds. Without `shown_times` the packets' show times are a guess.

    `packed` and `healing`, as in VideoFacts, are for the reader to set.
    """

    time_base: Fraction
    shown_times: bool
    packed: bool = False
    healing: int = 0
    _shown: list[tuple[int | None, int | None, int, bool]] = field(default_factory=list)

    def add(self, pts: int | None, dts: int | None, duration: int, *, key: bool) -> None:
        self._shown.append((pts, dts, duration, key))

    def __len__(self) -> int:
        return len(self._shown)

    def since(self, start: int | None) -> "Shown":
        """What is shown from tick `start` on, in order; from the first when None."""
        # Then the order and spacing of decoding is all there is.
        decode_only = not self.shown_times or any(pts is None for pts, _, _, _ in self._shown)
        frames = sorted(
            (tick, duration, key, 0 if decode_only or pts is None or dts is None else pts - dts)
            for pts, dts, duration, key in self._shown
            if (tick := dts if decode_only else pts) is not None and (start is None or decode_only or tick >= start)
        )
        return Shown(self.time_base, decode_only, frames)


@dataclass(frozen=True, slots=True)
class Shown:
    """Frames in order: (tick, duration in ticks, is a key frame, ticks from decoding to showing). At least one."""

    time_base: Fraction
    decode_only: bool
    frames: list[tuple[int, int, bool, int]]

    @property
    def ticks(self) -> list[int]:
        return [tick for tick, *_ in self.frames]

    @property
    def duration(self) -> Fraction:
        """Seconds from the first frame to the end of the last."""
        ticks = self.ticks
        last = self.frames[-1][1] or (round((ticks[-1] - ticks[0]) / (len(ticks) - 1)) if len(ticks) > 1 else 0)
        return (ticks[-1] + last - ticks[0]) * self.time_base

    @property
    def longest_frame(self) -> Fraction:
        return self.time_base * max((after - before for before, after in pairwise(self.ticks)), default=0)

    @property
    def keyframe_gap(self) -> Fraction:
        keys = [tick for tick, _, key, _ in self.frames if key]
        return self.time_base * max((after - before for before, after in pairwise([*keys, self.ticks[-1]])), default=0)

    @property
    def keyframe_every(self) -> int:
        """Every so many frames one is a key frame, and the first is; 0 where it is not so."""
        keys = [number for number, (_, _, key, _) in enumerate(self.frames) if key]
        every = keys[1] if len(keys) > 1 else len(self.frames)
        return every if keys == list(range(0, len(self.frames), every)) else 0

    @property
    def key_delays(self) -> tuple[Fraction, Fraction]:
        """The shortest and the longest time from decoding a key frame to showing it."""
        delays = [delay for _, _, key, delay in self.frames if key]
        return self.time_base * min(delays, default=0), self.time_base * max(delays, default=0)

    def constant_rate(self, declared: Fraction | None) -> Fraction | None:
        return constant_rate(self.ticks, self.time_base, declared)

    @property
    def nominal_rate(self) -> Fraction:
        return nominal_rate(self.ticks, self.time_base)
