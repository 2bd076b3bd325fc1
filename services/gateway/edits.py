"""Edits as the API takes them, and gives them back."""

from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints, model_validator
from reelmesh.transcode.v1 import edits_pb2

from services.gateway.body import Body

_LONGEST = 43_200
_LARGEST = 65_535

AssetId = Annotated[str, StringConstraints(pattern=r"^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$")]
Seconds = Annotated[float, Field(gt=0, le=_LONGEST)]
Place = Annotated[int, Field(ge=0, le=_LARGEST)]
Side = Annotated[int, Field(ge=16, le=_LARGEST)]
Position = Literal[
    "top-left",
    "top",
    "top-right",
    "left",
    "center",
    "right",
    "bottom-left",
    "bottom",
    "bottom-right",
]


class Trim(Body):
    """In seconds from the first picture."""

    start: Annotated[float, Field(ge=0, le=_LONGEST)] = 0
    end: Annotated[Seconds | None, Field(description="The source's own when not said.")] = None
    max_duration: Annotated[Seconds | None, Field(description="At most so much stays.")] = None

    @model_validator(mode="after")
    def _in_order(self) -> "Trim":
        if self.end is not None and self.end <= self.start:
            raise ValueError("end comes after start")
        return self


class Crop(Body):
    """What stays, in pixels of the picture as a viewer sees it: upright, and square."""

    x: Place = 0
    y: Place = 0
    width: Side
    height: Side


class Watermark(Body):
    asset_id: Annotated[AssetId, Field(description="An image.")]
    position: Position = "bottom-right"
    scale: Annotated[float, Field(ge=0.01, le=1, description="Its width in widths of the picture.")] = 0.15
    opacity: Annotated[float, Field(gt=0, le=1)] = 1


class Edits(Body):
    """What is not said is as the preset has it."""

    trim: Trim | None = None
    crop: Crop | None = None
    mute: Annotated[bool | None, Field(description="Whether the stream goes without sound.")] = None
    watermark: Watermark | None = None
    intro_asset_id: Annotated[AssetId | None, Field(description="A video to begin with.")] = None
    outro_asset_id: Annotated[AssetId | None, Field(description="A video to end with.")] = None


def to_proto(edits: Edits | None) -> edits_pb2.Edits | None:
    said: dict[str, Any] = edits.model_dump(exclude_none=True) if edits else {}
    return edits_pb2.Edits(**said) if said else None
