"""Which sizes a source is offered in: never above its own."""

from dataclasses import dataclass
from fractions import Fraction

from services.transcode.media.facts import VideoFacts
from services.transcode.media.preset import Preset, PresetRung

# Twice the pictures do not need twice the bits: neighbours are more alike.
_FAST_MOTION = Fraction(3, 2)
_FAST_FROM = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Rung:
    """One size of the output, in even, square pixels. `maxrate` in bits per second, `bufsize` in bits."""

    name: str
    width: int
    height: int
    maxrate: int
    bufsize: int
    frame_rate: Fraction
    why: str


def ladder(video: VideoFacts, preset: Preset, frame_rate: Fraction) -> tuple[Rung, ...]:
    """Rungs from the highest down, at least one. The short side of the picture counts as its height."""
    size = video.display_size
    fitting = [rung for rung in preset.rungs if rung.height <= min(size)]
    if not fitting:
        return (_own_size(size, preset.rungs[-1], frame_rate),)
    return tuple(_scaled(size, rung, frame_rate) for rung in fitting)


def _scaled(size: tuple[int, int], rung: PresetRung, frame_rate: Fraction) -> Rung:
    width, height = (_even(Fraction(side * rung.height, min(size)), side) for side in size)
    why = f"{rung.height}p of the preset fits the source's {size[0]}x{size[1]}"
    return _rung(rung.height, (width, height), rung.maxrate, frame_rate, why)


def _own_size(size: tuple[int, int], lowest: PresetRung, frame_rate: Fraction) -> Rung:
    width, height = (_even(Fraction(side), side) for side in size)
    why = f"the source's own {size[0]}x{size[1]}, below the preset's lowest {lowest.height}p"
    return _rung(min(width, height), (width, height), lowest.maxrate, frame_rate, why)


def _rung(short: int, size: tuple[int, int], maxrate: int, frame_rate: Fraction, why: str) -> Rung:
    rate = round(maxrate * _FAST_MOTION) if frame_rate > _FAST_FROM else maxrate
    return Rung(
        name=f"v{short}",
        width=size[0],
        height=size[1],
        maxrate=rate,
        bufsize=2 * rate,
        frame_rate=frame_rate,
        why=why,
    )


def _even(side: Fraction, limit: int) -> int:
    """The nearest even number that is not above `limit`, and at least 2: 4:2:0 has no half chroma samples."""
    nearest = 2 * round(side / 2)
    return max(2, nearest if nearest <= limit else nearest - 2)
