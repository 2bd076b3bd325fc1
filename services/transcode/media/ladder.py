"""Which sizes a source is offered in: never above its own."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from services.transcode.media.encoders import Codec, Encoder
from services.transcode.media.facts import VideoFacts
from services.transcode.media.preset import Preset, PresetRung, PresetVideo

# Twice the pictures do not need twice the bits: neighbours are more alike.
_FAST_MOTION = Fraction(3, 2)
_FAST_FROM = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Rung:
    """One size of one codec, in even, square pixels. `maxrate` in bits per second, `bufsize` in bits."""

    name: str
    width: int
    height: int
    maxrate: int
    bufsize: int
    frame_rate: Fraction
    why: str
    # Tasks that were planned before rungs said so are H.264 as the preset `hls` had it.
    codec: Codec = "h264"
    encoder: Encoder = "libx264"
    speed: str = "veryfast"
    crf: int = 23


def largest(rungs: Sequence[Rung]) -> Rung:
    """The one that all others can be scaled from."""
    return max(rungs, key=lambda rung: rung.width * rung.height)


def ladder(video: VideoFacts, preset: Preset, frame_rate: Fraction) -> tuple[Rung, ...]:
    """Rungs from the highest down, codec by codec, at least one of each. The short side counts as the height."""
    return tuple(rung for wanted in preset.video for rung in _rungs(video.display_size, wanted, frame_rate))


def _rungs(size: tuple[int, int], wanted: PresetVideo, frame_rate: Fraction) -> list[Rung]:
    fitting = [rung for rung in wanted.rungs if rung.short_side <= min(size)]
    if not fitting:
        return [_own_size(size, wanted, frame_rate)]
    return [_scaled(size, rung, wanted, frame_rate) for rung in fitting]


def _scaled(size: tuple[int, int], rung: PresetRung, wanted: PresetVideo, frame_rate: Fraction) -> Rung:
    width, height = (_even(Fraction(side * rung.short_side, min(size)), side) for side in size)
    why = f"{rung.short_side}p of the preset fits the source's {size[0]}x{size[1]}"
    return _rung(rung.short_side, (width, height), rung.maxrate, wanted, frame_rate, why)


def _own_size(size: tuple[int, int], wanted: PresetVideo, frame_rate: Fraction) -> Rung:
    lowest = wanted.rungs[-1]
    width, height = (_even(Fraction(side), side) for side in size)
    why = f"the source's own {size[0]}x{size[1]}, below the preset's lowest {lowest.short_side}p"
    return _rung(min(width, height), (width, height), lowest.maxrate, wanted, frame_rate, why)


def _rung(short: int, size: tuple[int, int], maxrate: int, wanted: PresetVideo, frame_rate: Fraction, why: str) -> Rung:
    rate = round(maxrate * _FAST_MOTION) if frame_rate > _FAST_FROM else maxrate
    return Rung(
        name=f"v{short}" if wanted.codec == "h264" else f"v{short}-{wanted.codec}",
        width=size[0],
        height=size[1],
        maxrate=rate,
        bufsize=2 * rate,
        frame_rate=frame_rate,
        why=why,
        codec=wanted.codec,
        encoder=wanted.encoder,
        speed=wanted.speed,
        crf=wanted.crf,
    )


def _even(side: Fraction, limit: int) -> int:
    """The nearest even number that is not above `limit`, and at least 2: 4:2:0 has no half chroma samples."""
    nearest = 2 * round(side / 2)
    return max(2, nearest if nearest <= limit else nearest - 2)
