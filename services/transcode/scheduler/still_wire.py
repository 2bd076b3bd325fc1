"""What presets say of images and posters, as protos."""

from __future__ import annotations

from fractions import Fraction
from typing import cast

from reelmesh.transcode.v1 import preset_pb2

from services.transcode.media.preset import ImageFormat, PresetImage, PresetPoster, PresetSize


def from_image(image: preset_pb2.PresetImage) -> PresetImage:
    """With every default in its place."""
    usual = PresetImage()
    return PresetImage(
        format=cast(ImageFormat, image.format) or usual.format,
        quality=image.quality or usual.quality,
        animated=not image.still,
        sizes=tuple(PresetSize(name=size.name, side=size.side) for size in image.sizes) or usual.sizes,
    )


def to_image(image: PresetImage) -> preset_pb2.PresetImage | None:
    """None for what every preset does."""
    if image == PresetImage():
        return None
    sizes = [preset_pb2.PresetSize(name=size.name, side=size.side) for size in image.sizes]
    return preset_pb2.PresetImage(format=image.format, quality=image.quality, still=not image.animated, sizes=sizes)


def from_poster(poster: preset_pb2.PresetPoster) -> PresetPoster:
    return PresetPoster(second=Fraction(poster.second).limit_denominator(10**6) if poster.HasField("second") else None)


def to_poster(poster: PresetPoster) -> preset_pb2.PresetPoster:
    return preset_pb2.PresetPoster(second=None if poster.second is None else float(poster.second))
