"""Is the stream what the source was? Judged by decoding every frame of both."""

from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from math import ceil
from pathlib import Path

import av

from local.demo_player import Played, Variant

FASTEST = 60
"""Frames per second of the quickest stream; a quicker source is thinned."""
SOUND_TOLERANCE = 0.1
"""Seconds by which sound may be longer or shorter: encoders fill their first and last packet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """Every frame of a file, by its time. `rate` is the average; `duration` counts the last frame's time too."""

    frames: int
    duration: float
    width: int
    height: int
    rate: Fraction
    constant: bool
    monotonic: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Sound:
    samples: int
    rate: int
    monotonic: bool

    @property
    def duration(self) -> float:
        return self.samples / self.rate if self.rate else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    picture: Picture | None
    sound: Sound | None


def look_at(path: Path) -> Judged:
    """Raises av.FFmpegError for what does not decode."""
    return Judged(picture=picture_of(path), sound=sound_of(path))


def picture_of(path: Path) -> Picture | None:
    with av.open(path) as container:
        if not container.streams.video:
            return None
        stream = container.streams.video[0]
        stream.thread_type = "AUTO"
        times, size, rotation = [], (0, 0), 0
        for frame in container.decode(stream):
            if frame.pts is not None and frame.time_base is not None:
                times.append(frame.pts * frame.time_base)
            size, rotation = (frame.width, frame.height), frame.rotation
    return picture(times, size[::-1] if rotation % 180 else size)


def picture(times: list[Fraction], size: tuple[int, int]) -> Picture | None:
    if not times:
        return None
    span = max(times) - min(times)
    rate = (len(times) - 1) / span if span else Fraction(0)
    return Picture(
        frames=len(times),
        duration=float(span + 1 / rate) if rate else 0.0,
        width=size[0],
        height=size[1],
        rate=rate,
        constant=all(abs((at - times[0]) * rate - number) < Fraction(2, 5) for number, at in enumerate(times)),
        monotonic=all(before < after for before, after in pairwise(times)),
    )


def sound_of(path: Path) -> Sound | None:
    with av.open(path) as container:
        if not container.streams.audio:
            return None
        samples, rate, times = 0, 0, []
        for frame in container.decode(container.streams.audio[0]):
            samples += frame.samples
            rate = frame.sample_rate
            if frame.pts is not None:
                times.append(frame.pts)
    return Sound(samples=samples, rate=rate, monotonic=all(before < after for before, after in pairwise(times)))


def heard_and_seen(played: Played) -> Judged:
    video = look_at(played.video)
    return Judged(picture=video.picture, sound=sound_of(played.audio) if played.audio else video.sound)


def faults(source: Judged, stream: Judged, variant: Variant) -> list[str]:
    """Everything that is wrong with the stream; empty when it is right."""
    return [*picture_faults(source.picture, stream.picture, variant), *sound_faults(source.sound, stream.sound)]


def picture_faults(source: Picture | None, stream: Picture | None, variant: Variant) -> list[str]:
    if source is None or stream is None:
        return [] if source is stream else ["the source has a picture, the stream has none"]
    found = []
    rate = variant.frame_rate or float(stream.rate)
    exact = source.constant and source.rate <= FASTEST
    # How long the last frame of a varying rate stays is anyone's guess.
    slack = 1 / rate if exact else max(1 / rate, 1 / float(source.rate))
    expected = source.frames if exact else round(source.duration * rate)
    if abs(stream.frames - expected) > (0 if exact else ceil(slack * rate)):
        found.append(f"{stream.frames} frames, {expected} were expected")
    if not stream.monotonic:
        found.append("frames are not in the order of their times")
    if abs(stream.duration - source.duration) > slack + 0.5 / rate:
        found.append(f"the picture takes {stream.duration:.3f} s, the source {source.duration:.3f} s")
    if (stream.width, stream.height) != (variant.width, variant.height):
        found.append(f"{stream.width}x{stream.height}, the playlist said {variant.width}x{variant.height}")
    return found


def sound_faults(source: Sound | None, stream: Sound | None) -> list[str]:
    if source is None or stream is None:
        return [] if source is stream else ["only one of source and stream has sound"]
    found = [] if stream.monotonic else ["the sound is not in the order of its times"]
    if abs(stream.duration - source.duration) > SOUND_TOLERANCE:
        found.append(f"the sound takes {stream.duration:.3f} s, the source's {source.duration:.3f} s")
    return found
