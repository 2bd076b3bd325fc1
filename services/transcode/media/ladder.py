"""Which sizes a source is offered in: never above its own."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from math import ceil

from services.transcode.media.encoders import Codec, Encoder
from services.transcode.media.facts import VideoFacts
from services.transcode.media.preset import Container, Preset, PresetRung, PresetVideo

# Twice the pictures do not need twice the bits: neighbours are more alike.
_FAST_MOTION = Fraction(3, 2)
_FAST_FROM = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Rung:
    """One size of one codec, in even, square pixels. Bits per second for `maxrate` and `bit_rate`, bits for `bufsize`.

    `picture` is the size of the picture where black fills the rest; `container` that of a file of this rung alone.
    """

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
    bit_rate: int = 0
    picture: tuple[int, ...] = ()
    container: Container | None = None

    @property
    def shown(self) -> tuple[int, int]:
        """Of the picture, without black around it."""
        return (self.picture[0], self.picture[1]) if self.picture else (self.width, self.height)


def largest(rungs: Sequence[Rung]) -> Rung:
    """The one that all others can be scaled from."""
    return max(rungs, key=lambda rung: rung.shown[0] * rung.shown[1])


def ladder(video: VideoFacts, preset: Preset, frame_rate: Fraction) -> tuple[Rung, ...]:
    """Rungs from the highest down, codec by codec, at least one of each. The short side counts as the height."""
    rungs: dict[str, Rung] = {}
    for wanted in preset.video:
        for rung in _rungs(video.display_size, wanted, frame_rate):
            alike = sum(name.partition(".")[0] == rung.name for name in rungs)
            name = f"{rung.name}.{alike + 1}" if alike else rung.name
            rungs[name] = replace(rung, name=name)
    return tuple(rungs.values())


def _rungs(size: tuple[int, int], wanted: PresetVideo, frame_rate: Fraction) -> list[Rung]:
    fitting = [rung for rung in wanted.rungs if rung.short_side <= min(size) or rung.upscale]
    if not fitting:
        return [_own_size(size, wanted, frame_rate)]
    return [(_scaled if rung.short_side else _boxed)(size, rung, wanted, frame_rate) for rung in fitting]


def _scaled(size: tuple[int, int], rung: PresetRung, wanted: PresetVideo, frame_rate: Fraction) -> Rung:
    scale = Fraction(rung.short_side, min(size))
    why = f"{rung.short_side}p of the preset fits the source's {size[0]}x{size[1]}"
    return _rung(_resized(size, scale), rung, wanted, frame_rate, why)


def _boxed(size: tuple[int, int], rung: PresetRung, wanted: PresetVideo, frame_rate: Fraction) -> Rung:
    box = rung.width // 2 * 2, rung.height // 2 * 2
    limits = [Fraction(limit, side) for limit, side in zip(box, size, strict=True) if limit]
    scale = min(limits, default=Fraction(1))
    inner = _resized(size, scale if rung.upscale else min(scale, Fraction(1)))
    why = f"{rung.width or 'any'}x{rung.height or 'any'} was asked for of the source's {size[0]}x{size[1]}"
    if rung.fit == "contain" or not all(box):
        return _rung(inner, rung, wanted, frame_rate, why)
    made = _rung(box, rung, wanted, frame_rate, why)
    return made if inner == box else replace(made, picture=inner)


def _own_size(size: tuple[int, int], wanted: PresetVideo, frame_rate: Fraction) -> Rung:
    lowest = wanted.rungs[-1]
    why = f"the source's own {size[0]}x{size[1]}, below the preset's lowest {lowest.short_side}p"
    return _rung(_resized(size, Fraction(1)), lowest, wanted, frame_rate, why)


def _resized(size: tuple[int, int], scale: Fraction) -> tuple[int, int]:
    # Not above the source's own even size, unless it is to be enlarged.
    width, height = (_even(side * scale, side if scale <= 1 else ceil(side * scale) + 1) for side in size)
    return width, height


def _rung(size: tuple[int, int], rung: PresetRung, wanted: PresetVideo, frame_rate: Fraction, why: str) -> Rung:
    rate = round(rung.maxrate * _FAST_MOTION) if frame_rate > _FAST_FROM else rung.maxrate
    short = rung.short_side if rung.short_side and rung.short_side <= min(size) + 1 else min(size)
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
        crf=rung.crf or wanted.crf,
        bit_rate=rung.bit_rate,
        container=rung.container,
    )


def _even(side: Fraction, limit: int) -> int:
    """The nearest even number that is not above `limit`, and at least 2: 4:2:0 has no half chroma samples."""
    nearest = 2 * round(side / 2)
    return max(2, nearest if nearest <= limit else nearest - 2)
