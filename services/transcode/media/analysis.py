"""What is looked at, and listened to, so that something can be told of a stream: the tasks, as data."""

from dataclasses import dataclass
from fractions import Fraction

from services.transcode.media.edits import Edits
from services.transcode.media.facts import VideoFacts
from services.transcode.media.ladder import largest
from services.transcode.media.plain import Plain, from_plain, to_plain
from services.transcode.media.plan import Plan, VideoChunk

REPORT = "analysis.json"
PICTURES, SOUND = "pictures", "sound"
"""What a task's spec holds: one of them."""
MODEL = "vmaf_v0.6.1"
# VMAF judges one picture in so many, and the motion between all of them.
EVERY = 5
# Whether a picture begins a scene is known from the two before it: the first ones of a chunk are judged with the chunk
# before, which looks so far ahead.
TAIL = 2
# The screen that the model was made for.
_SCREEN = (1920, 1080)
# Below this VMAF's coarsest scale has nothing to look at.
_LEAST_SIDE = 64
# Of encoding a pixel in H.264: comparing a pixel of a rung with the source, and looking at one of the source.
_VMAF_COST, _LOOK_COST = 0.3, 0.15


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureCheck:
    """One task: a chunk's stretch of the source and, where `vmaf` says so, its rungs beside it.

    Both are compared at `size`. `tail` frames after the chunk are looked at, too. `follows` says that the chunk before
    is of the same source, and looked at the first ones of this.
    """

    chunk: VideoChunk
    size: tuple[int, ...]
    vmaf: bool
    tail: int = 0
    follows: bool = False

    @property
    def cost(self) -> float:
        """In megapixels to encode as H.264."""
        each = _LOOK_COST + (_VMAF_COST * len(self.chunk.rungs) if self.vmaf else 0)
        return self.chunk.frames * self.size[0] * self.size[1] * each / 1e6

    def to_json(self) -> Plain:
        plain: Plain = to_plain(self)
        return plain

    @classmethod
    def from_json(cls, data: Plain) -> "PictureCheck":
        return from_plain(cls, data)


def picture_checks(plan: Plan, video: VideoFacts, edits: Edits, *, vmaf: bool) -> list[PictureCheck]:
    """One for each chunk of the plan."""
    if not plan.chunks:
        return []
    size = _compared_at(plan, video, edits)
    return [
        PictureCheck(
            chunk=chunk,
            size=size,
            vmaf=vmaf and min(size) >= _LEAST_SIDE,
            tail=TAIL if after and after.source == chunk.source else 0,
            follows=before is not None and before.source == chunk.source,
        )
        for before, chunk, after in zip((None, *plan.chunks), plan.chunks, (*plan.chunks[1:], None), strict=False)
    ]


def _compared_at(plan: Plan, video: VideoFacts, edits: Edits) -> tuple[int, int]:
    """The source's own size as it is shown, where that is no more than a screen's.

    What is put onto pictures, or around them, is measured in pixels of the highest rung.
    """
    looks = [chunk.look for chunk in plan.chunks]
    if any(look.mark or look.inside for look in looks):
        return largest(plan.rungs).shown
    own = (edits.crop.width, edits.crop.height) if edits.crop else video.display_size
    scale = min(Fraction(1), Fraction(_SCREEN[0], max(own)), Fraction(_SCREEN[1], min(own)))
    width, height = (max(2, int(side * scale) // 2 * 2) for side in own)
    return width, height
