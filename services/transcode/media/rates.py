"""Frame rates read from when frames are shown."""

from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise

STANDARD = tuple(
    Fraction(numerator, denominator)
    for numerator, denominator in (
        *((10, 1), (12, 1), (25, 2), (15, 1), (20, 1), (24000, 1001), (24, 1), (25, 1), (30000, 1001), (30, 1)),
        *((48000, 1001), (48, 1), (50, 1), (60000, 1001), (60, 1)),
    )
)


def constant_rate(ticks: Sequence[int], time_base: Fraction, declared: Fraction | None) -> Fraction | None:
    """The rate F at which frame i is shown i/F seconds after the first, for every i, or None when there is none.

    `ticks` are the show times in `time_base` seconds, ascending. Standard rates are preferred; `declared` is the
    container's own claim, and all there is to go by for a single frame.
    """
    if len(ticks) < 2 or ticks[-1] <= ticks[0]:
        return declared
    measured = (len(ticks) - 1) / ((ticks[-1] - ticks[0]) * time_base)
    for rate in (nearest_standard(measured), declared, measured.limit_denominator(1001)):
        if rate and _holds(ticks, rate * time_base):
            return rate
    return None


def nominal_rate(ticks: Sequence[int], time_base: Fraction) -> Fraction:
    """The standard rate that shows the quickest tenth of a variable rate source without loss."""
    gaps = sorted(after - before for before, after in pairwise(ticks) if after > before)
    return nearest_standard(1 / (gaps[len(gaps) // 10] * time_base)) if gaps else Fraction(25)


def nearest_standard(rate: Fraction) -> Fraction:
    """By ratio, as the eye has it: 12 is as far from 10 as 60 from 50."""
    return min(STANDARD, key=lambda standard: max(rate, standard) / min(rate, standard))


def _holds(ticks: Sequence[int], frames_per_tick: Fraction) -> bool:
    """Whether every frame is within 2/5 of a frame of its place: a half would be ambiguous, and clocks are coarse."""
    n, d = frames_per_tick.as_integer_ratio()
    return all(5 * abs((tick - ticks[0]) * n - i * d) < 2 * d for i, tick in enumerate(ticks))
