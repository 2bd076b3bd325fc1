"""What is done to a source on its way to a stream, as it was asked for, and what asks for too much."""

from dataclasses import dataclass, fields, replace
from fractions import Fraction
from typing import Literal

from services.transcode.media.errors import BadEdit
from services.transcode.media.facts import SourceFacts
from services.transcode.media.plain import Plain, from_plain, to_plain

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

# Durations that people type are rounded.
_ROUNDED = Fraction(1, 10)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trim:
    """Seconds from the source's first picture; without `end` it goes on to the source's own, but `longest` at most."""

    start: Fraction = Fraction(0)
    end: Fraction | None = None
    longest: Fraction | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Crop:
    """What stays, in pixels of the picture as a viewer sees it: upright, in square pixels."""

    x: int
    y: int
    width: int
    height: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Watermark:
    """An image over the video: `scale` is its width in widths of the picture, `opacity` 1 as it is."""

    asset_id: str
    position: Position = "bottom-right"
    scale: Fraction = Fraction(3, 20)
    opacity: Fraction = Fraction(1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Edits:
    """Intro and outro are other videos, joined to this one's beginning and end, and made to fit it.

    None, and no asset, is what nothing is said of.
    """

    trim: Trim | None = None
    crop: Crop | None = None
    mute: bool | None = None
    watermark: Watermark | None = None
    intro_asset_id: str = ""
    outro_asset_id: str = ""

    @property
    def asset_ids(self) -> dict[str, str]:
        """The other assets that it takes, by what each is for."""
        mark = self.watermark.asset_id if self.watermark else ""
        named = {"intro": self.intro_asset_id, "outro": self.outro_asset_id, "watermark": mark}
        return {use: asset_id for use, asset_id in named.items() if asset_id}

    def over(self, usual: "Edits") -> "Edits":
        """These, and `usual` where they say nothing; a trim that says no longest keeps the usual one."""
        said = {each.name: getattr(self, each.name) for each in fields(self)}
        both = replace(usual, **{name: value for name, value in said.items() if value not in (None, "")})
        if both.trim and usual.trim and both.trim.longest is None:
            return replace(both, trim=replace(both.trim, longest=usual.trim.longest))
        return both

    def to_json(self) -> Plain:
        plain: Plain = to_plain(self)
        return plain

    @classmethod
    def from_json(cls, data: Plain) -> "Edits":
        return from_plain(cls, data)


NO_EDITS = Edits()


@dataclass(frozen=True, slots=True, kw_only=True)
class Materials:
    """What is known of the other assets that edits take."""

    intro: SourceFacts | None = None
    outro: SourceFacts | None = None
    watermark: SourceFacts | None = None


NO_MATERIALS = Materials()


def check_edits(edits: Edits, facts: SourceFacts) -> None:
    """Raise BadEdit for what this source cannot give."""
    picture = edits.crop or edits.watermark or edits.intro_asset_id or edits.outro_asset_id
    if facts.video is None and picture:
        raise BadEdit("edit_needs_video", "there is no picture to crop, mark or join to")
    if facts.video is None and edits.mute:
        raise BadEdit("edit_needs_video", "without its sound nothing is left")
    # An image lasts no time: a preset that trims videos makes of it what every preset makes.
    if edits.trim and facts.kind != "image":
        _check_trim(edits.trim, facts.duration)
    if edits.crop and facts.video:
        _check_crop(edits.crop, facts.video.display_size)


def check_materials(materials: Materials) -> None:
    """Raise BadEdit for what cannot be used as it was asked to be."""
    for use, facts in (("intro", materials.intro), ("outro", materials.outro)):
        if facts and facts.kind != "video":
            raise BadEdit("edit_asset_not_video", f"the {use} is not a video")
    if materials.watermark and materials.watermark.kind != "image":
        raise BadEdit("edit_asset_not_image", "the watermark is not an image")


def _check_trim(trim: Trim, duration: Fraction) -> None:
    if trim.start >= duration or (trim.end is not None and trim.end > duration + _ROUNDED):
        raise BadEdit("trim_outside_source", f"the source ends after {float(duration):.3f} s")


def _check_crop(crop: Crop, size: tuple[int, int]) -> None:
    if crop.x + crop.width > size[0] or crop.y + crop.height > size[1]:
        raise BadEdit("crop_outside_picture", f"the picture has {size[0]}x{size[1]} pixels")
