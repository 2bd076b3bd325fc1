"""Decode a stream and say what is in it: pictures with their times and numbers, the times of the beeps."""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

from tests.clips.barcode import is_flash, read_number

_BEEP_LEVEL = 0.12
_BEEP_APART = 0.1


@dataclass(frozen=True, slots=True)
class Picture:
    """`time` in seconds, exact."""

    time: Fraction
    number: int
    flash: bool
    key: bool


def pictures(path: Path, *, quarter_turns: int = 0, within: tuple[int, int] | None = None) -> list[Picture]:
    """Every picture in order of appearance. `quarter_turns` counter-clockwise bring it upright before it is read.

    `within` is the width and height of what is shown, in the middle of black.
    """
    return [
        Picture(time, read_number(gray), is_flash(gray), key)
        for time, key, frame in _frames(path)
        for gray in [np.rot90(middle(frame, *within) if within else frame, quarter_turns)]
    ]


def middle(picture: NDArray[Any], width: int, height: int) -> NDArray[Any]:
    """So much of a picture, or of several, from around its centre."""
    top, left = (picture.shape[0] - height) // 2, (picture.shape[1] - width) // 2
    return picture[top : top + height, left : left + width]


def framed(picture: NDArray[Any], width: int, height: int, slack: int = 4) -> NDArray[Any]:
    """What lies around the middle, more than `slack` pixels away from it."""
    around = np.ones(picture.shape, bool)
    inner = (min(size + 2 * slack, all_) for size, all_ in zip((width, height), picture.shape[1::-1], strict=True))
    middle(around, *inner)[:] = False
    return picture[around]


def first_picture(path: Path) -> NDArray[Any]:
    """The first picture, gray."""
    return next(gray for _, _, gray in _frames(path))


def samples(path: Path) -> tuple[Fraction, int, NDArray[Any]]:
    """The time of the first decoded sample in seconds, the sample rate, and the first channel."""
    with av.open(path) as container:
        frames = list(container.decode(audio=0))
    first = frames[0]
    assert first.pts is not None
    assert first.time_base is not None
    return first.pts * first.time_base, first.sample_rate, np.concatenate([frame.to_ndarray()[0] for frame in frames])


def beeps(path: Path) -> list[float]:
    """When each beep begins, in seconds, by the decoded samples alone: no edit list, no skipped priming."""
    start, rate, wave = samples(path)
    loud = np.flatnonzero(np.abs(wave) > _BEEP_LEVEL)
    begins = loud[np.diff(loud, prepend=-rate) > _BEEP_APART * rate]
    return [float(start) + float(index) / rate for index in begins]


def similarity(one: NDArray[Any], other: NDArray[Any], block: int = 8) -> float:
    """SSIM of two gray pictures, over blocks that do not overlap."""
    rows, columns = (side // block * block for side in one.shape)
    shape = rows // block, block, columns // block, block
    x, y = (each[:rows, :columns].astype(float).reshape(shape) for each in (one, other))
    across = (1, 3)
    mean_x, mean_y = x.mean(across), y.mean(across)
    variances = x.var(across) + y.var(across)
    covariance = (x * y).mean(across) - mean_x * mean_y
    small, smaller = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    above = (2 * mean_x * mean_y + small) * (2 * covariance + smaller)
    below = (mean_x**2 + mean_y**2 + small) * (variances + smaller)
    return float((above / below).mean())


def _frames(path: Path) -> Iterator[tuple[Fraction, bool, NDArray[Any]]]:
    with av.open(path) as container:
        container.streams.video[0].thread_type = "AUTO"
        for frame in container.decode(video=0):
            assert frame.pts is not None
            assert frame.time_base is not None
            yield frame.pts * frame.time_base, frame.key_frame, frame.to_ndarray(format="gray")
