"""Is what came out of a job right? Judged by decoding all of it; every failure is an AssertionError that says where."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from typing import TYPE_CHECKING

import av

from services.transcode.media.encoders import REORDER
from tests.clips import beeps, pictures, samples

if TYPE_CHECKING:
    from pathlib import Path

    from tests.clips import Picture
    from tests.e2e.kinds import Kind

TOGETHER = 0.02
"""Seconds between a flash and its beep, at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """What a file holds: `size` of its pictures, its streams' codecs, and how long it says it is, in seconds."""

    format: str
    size: tuple[int, int]
    codecs: tuple[str, ...]
    duration: float


def held(path: Path) -> Held:
    with av.open(path) as file:
        seen = file.streams.video[0] if file.streams.video else None
        return Held(
            format=file.format.name,
            size=(seen.width, seen.height) if seen else (0, 0),
            codecs=tuple(each.codec_context.codec.canonical_name for each in file.streams),
            duration=(file.duration or 0) / av.time_base,
        )


def delay(kind: Kind) -> Fraction:
    """By how much a stream begins after zero, in seconds."""
    return REORDER / kind.rate


def seen(path: Path, kind: Kind, begin: Fraction, within: tuple[int, int] | None = None) -> list[Picture]:
    """Every picture once, in order, each in its time. `within`: what of the picture is not black."""
    shown = pictures(path, quarter_turns=kind.turns, within=within)
    numbers = [each.number for each in shown]
    assert numbers == list(kind.numbers), numbers
    # A container's clock may be as coarse as a millisecond.
    late = [each.time - begin - place / kind.rate for place, each in enumerate(shown)]
    assert max(map(abs, late)) <= Fraction(1, 1000), late
    assert all(before.time < after.time for before, after in pairwise(shown))
    return shown


def heard(path: Path, begin: Fraction, seconds: float, slack: float) -> list[float]:
    """All of the sound, which lasts about so long, and when its beeps begin."""
    start, rate, wave = samples(path)
    lasts = float(start - begin) + len(wave) / rate
    assert abs(lasts - seconds) <= slack, lasts
    return beeps(path)


def together(shown: list[Picture], beeping: list[float], kind: Kind) -> None:
    """A player has flash and beep at once. The first beep gives way to the decoder's priming."""
    flashes = [float(each.time) for each in shown if each.flash][1:]
    assert flashes
    apart = [min(abs(flash + kind.late - beep) for beep in beeping) for flash in flashes]
    assert max(apart) <= TOGETHER, (flashes, beeping)
