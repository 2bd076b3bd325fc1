"""Test clips made with ffmpeg on demand, and what can be measured on a stream made from them."""

from tests.clips.barcode import draw, is_flash, read_number
from tests.clips.library import Clips, anew, real_clip
from tests.clips.measure import Picture, beeps, first_picture, framed, middle, pictures, samples, similarity

__all__ = [
    "Clips",
    "Picture",
    "anew",
    "beeps",
    "draw",
    "first_picture",
    "framed",
    "is_flash",
    "middle",
    "pictures",
    "read_number",
    "real_clip",
    "samples",
    "similarity",
]
