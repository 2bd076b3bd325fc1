"""A decoded picture as it is to be looked at: upright, in square pixels, in sRGB. For programs in the sandbox."""

from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING

from av.video.frame import VideoFrame
from av.video.reformatter import Interpolation
from PIL import Image, ImageFilter

if TYPE_CHECKING:
    from services.transcode.media.facts import Hdr
    from services.transcode.media.stills import Stills

_TURNS = {90: Image.Transpose.ROTATE_270, 180: Image.Transpose.ROTATE_180, 270: Image.Transpose.ROTATE_90}
_STEPS = 33
# In nits: what white of SDR is, and what is as bright as anything gets (ITU-R BT.2408, BT.2100).
_WHITE, _PEAK = 203.0, 1000.0
# BT.2020 to BT.709 primaries (ITU-R BT.2087).
_PRIMARIES = (
    (1.6605, -0.5876, -0.0728),
    (-0.1246, 1.1329, -0.0083),
    (-0.0182, -0.1006, 1.1187),
)


def upright(frame: VideoFrame, wanted: "Stills", size: Sequence[int]) -> Image.Image:
    """In `size`, width and height as a viewer sees them."""
    width, height = size
    if wanted.rotation in (90, 270):
        width, height = height, width
    smaller = width * height < frame.width * frame.height
    scaler = Interpolation.AREA if smaller else Interpolation.BICUBIC
    picture = as_image(frame.reformat(width=width, height=height, format="rgb24", interpolation=scaler))
    if wanted.hdr != "none":
        picture = picture.filter(_to_sdr(wanted.hdr))
    return picture.transpose(_TURNS[wanted.rotation]) if wanted.rotation in _TURNS else picture


def as_image(frame: VideoFrame) -> Image.Image:
    picture: Image.Image = frame.to_image()  # type: ignore[no-untyped-call]  # as PyAV has it
    return picture


@cache
def _to_sdr(hdr: "Hdr") -> ImageFilter.Color3DLUT:
    nits = _pq if hdr == "pq" else _hlg

    def shown(*signal: float) -> tuple[float, ...]:
        light = [nits(each) / _WHITE for each in signal]
        mapped = [max(0.0, sum(part * each for part, each in zip(row, light, strict=True))) for row in _PRIMARIES]
        # By the brightest of the three, so that colours stay what they are (extended Reinhard).
        most = max(*mapped, 1e-6)
        white = _PEAK / _WHITE
        scale = (1 + most / white**2) / (1 + most)
        return tuple(_srgb(each * scale) for each in mapped)

    return ImageFilter.Color3DLUT.generate(_STEPS, shown)


def _pq(signal: float) -> float:
    """SMPTE ST 2084, in nits."""
    root = signal ** (32 / 2523)
    return float(10_000 * (max(root - 0.8359375, 0.0) / (18.8515625 - 18.6875 * root)) ** (16384 / 2610))


def _hlg(signal: float) -> float:
    """ITU-R BT.2100, each channel by itself, in nits of a display of `_PEAK`."""
    scene = (
        signal * signal / 3
        if signal <= 0.5
        else (2.718281828459045 ** ((signal - 0.55991073) / 0.17883277) + 0.28466892) / 12
    )
    return float(_PEAK * scene**1.2)


def _srgb(light: float) -> float:
    light = min(max(light, 0.0), 1.0)
    return float(12.92 * light if light <= 0.0031308 else 1.055 * light ** (1 / 2.4) - 0.055)
