"""Sizes of an image: what to make of it."""

from dataclasses import dataclass

from services.transcode.media.facts import SourceFacts
from services.transcode.media.limits import MAX_PIXELS
from services.transcode.media.plain import Plain, from_plain, to_plain
from services.transcode.media.preset import PresetImage

# Of all pictures of an animation together.
MAX_ANIMATION = 4 * MAX_PIXELS
ENDINGS = {"webp": "webp", "jpeg": "jpg", "avif": "avif"}
# In megapixels of video: reading and resizing are cheap, encoding is not.
_COST = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Pictures:
    """One task: the recipe over a source of `family` whose picture has so many `pixels`."""

    family: str
    pixels: int
    recipe: PresetImage

    @property
    def weight(self) -> float:
        return max(1.0, _COST * self.pixels / 1e6)

    @property
    def names(self) -> list[str]:
        return [f"{size.name}.{ENDINGS[self.recipe.format]}" for size in self.recipe.sizes]

    def to_json(self) -> Plain:
        plain: Plain = to_plain(self)
        return plain

    @classmethod
    def from_json(cls, data: Plain) -> "Pictures":
        return from_plain(cls, data)


def pictures(facts: SourceFacts, recipe: PresetImage) -> Pictures:
    """Of a source that is an image."""
    video = facts.video
    assert video is not None
    return Pictures(family=facts.family, pixels=video.width * video.height, recipe=recipe)
