"""Edits as protos."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, cast

from reelmesh.transcode.v1 import edits_pb2

from services.transcode.media.edits import NO_EDITS, Crop, Edits, Position, Trim, Watermark

if TYPE_CHECKING:
    from google.protobuf.message import Message

_FINEST = 1_000_000
"""Seconds and shares are told apart by millionths."""


def from_edits(said: edits_pb2.Edits) -> Edits:
    """Of a message that keeps its rules."""
    return Edits(
        trim=_trim(said.trim) if said.HasField("trim") else None,
        crop=_crop(said.crop) if said.HasField("crop") else None,
        mute=said.mute if said.HasField("mute") else None,
        watermark=_watermark(said.watermark) if said.HasField("watermark") else None,
        intro_asset_id=said.intro_asset_id,
        outro_asset_id=said.outro_asset_id,
    )


def to_edits(edits: Edits) -> edits_pb2.Edits | None:
    """None for none."""
    if edits == NO_EDITS:
        return None
    said = edits_pb2.Edits(mute=edits.mute, intro_asset_id=edits.intro_asset_id, outro_asset_id=edits.outro_asset_id)
    if trim := edits.trim:
        said.trim.MergeFrom(
            edits_pb2.Trim(start=float(trim.start), end=_float(trim.end), max_duration=_float(trim.longest))
        )
    if crop := edits.crop:
        said.crop.MergeFrom(edits_pb2.Crop(x=crop.x, y=crop.y, width=crop.width, height=crop.height))
    if mark := edits.watermark:
        said.watermark.MergeFrom(
            edits_pb2.Watermark(
                asset_id=mark.asset_id,
                position=mark.position,
                scale=float(mark.scale),
                opacity=float(mark.opacity),
            )
        )
    return said


def _trim(trim: edits_pb2.Trim) -> Trim:
    return Trim(start=_exact(trim.start), end=_optional(trim, "end"), longest=_optional(trim, "max_duration"))


def _crop(crop: edits_pb2.Crop) -> Crop:
    return Crop(x=crop.x, y=crop.y, width=crop.width, height=crop.height)


def _watermark(mark: edits_pb2.Watermark) -> Watermark:
    usual = Watermark(asset_id=mark.asset_id)
    return Watermark(
        asset_id=mark.asset_id,
        position=cast(Position, mark.position or usual.position),
        scale=_optional(mark, "scale") or usual.scale,
        opacity=_optional(mark, "opacity") or usual.opacity,
    )


def _optional(message: Message, name: str) -> Fraction | None:
    return _exact(getattr(message, name)) if message.HasField(name) else None


def _exact(value: float) -> Fraction:
    return Fraction(value).limit_denominator(_FINEST)


def _float(value: Fraction | None) -> float | None:
    return None if value is None else float(value)
