"""Pictures that carry their own frame number, so that a lost, doubled or moved frame can be named."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Gray = NDArray[np.uint8]

_BITS = 16
_BAND = 0.25  # of the height, at the top
_DARK, _LIGHT = 24, 232


def draw(number: int, width: int, height: int, *, flash: bool = False) -> Gray:
    """A gray picture: the number's bits in a band at the top (lowest first), below it a texture that moves."""
    y, x = np.mgrid[0:height, 0:width]
    texture = ((x + 3 * number) // 8 * 37 + (y + 2 * number) // 8 * 61) % 97 + 40
    picture: Gray = texture.astype(np.uint8)
    band = round(height * _BAND)
    bits = (x[0] * _BITS // width).clip(0, _BITS - 1)
    picture[:band] = np.where(number >> bits & 1, _LIGHT, _DARK)
    if flash:
        picture[height // 2 :] = 250
    return picture


def read_number(picture: NDArray[Any]) -> int:
    """The number drawn on a picture of any size."""
    height, width = picture.shape
    rows = picture[round(height * _BAND * 0.3) : max(1, round(height * _BAND * 0.7))]
    number = 0
    for bit in range(_BITS):
        left, right = (round((bit + part) * width / _BITS) for part in (0.3, 0.7))
        number |= int(rows[:, left : max(left + 1, right)].mean() > 128) << bit
    return number


def is_flash(picture: NDArray[Any]) -> bool:
    return bool(picture[round(picture.shape[0] * 0.6) :].mean() > 200)
