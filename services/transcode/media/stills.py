"""A poster and a storyboard of a video: what to take, and the WebVTT that says which tile is of when."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from services.transcode.media.facts import Hdr, SourceFacts, VideoFacts
from services.transcode.media.parts import OWN, Part
from services.transcode.media.plain import Plain, from_plain, to_plain
from services.transcode.media.seeking import can_seek
from services.transcode.media.webvtt import clock

POSTER = "poster.jpg"
SHEET = "storyboard.jpg"
STORYBOARD = "storyboard.vtt"
FILES = [("poster", POSTER), ("sprite", SHEET), ("sprite", STORYBOARD)]
"""Their kinds and names."""
# The longer side, in pixels.
_POSTER_SIDE = 1920
_TILE_SIDE = 160
_MOST_TILES = 100
COLUMNS = 10
_SHORTEST_TILE = Fraction(2)
# Decoding all of a source is right to the frame, and cheap enough for this many megapixels: 16 s of 1080p.
_DECODED_WHOLE = 1000
# Of encoding the video; measured, it is between a hundredth and a tenth.
COST = 0.03

Walk = Literal["all", "seek", "keys"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stills:
    """One task. Times are seconds; `origin` is the source time of the stretch to show, `duration` how long it lasts.

    `before` it and `after` it the stream shows other sources, of which there are no tiles.

    Sizes are upright: `rotation` (degrees clockwise) is still to be applied. `at` is the moment that the poster shows;
    without one it is chosen. `walk` is how the source is read: all pictures of it, only its key frames, or only those
    key frames that seeking finds.
    """

    family: str
    stream: int
    origin: Fraction
    duration: Fraction
    every: Fraction
    rotation: int
    poster: tuple[int, ...]
    tile: tuple[int, ...]
    walk: Walk
    seeks: bool
    hdr: Hdr = "none"
    at: Fraction | None = None
    before: Fraction = Fraction(0)
    after: Fraction = Fraction(0)

    @property
    def times(self) -> tuple[Fraction, ...]:
        """When each tile is of, in the stream."""
        count = max(1, -(-self.duration // self.every))
        return tuple(index * self.every for index in range(int(count)))

    def to_json(self) -> Plain:
        plain: Plain = to_plain(self)
        return plain

    @classmethod
    def from_json(cls, data: Plain) -> "Stills":
        return from_plain(cls, data)


def stills(facts: SourceFacts, joined: Sequence[Part], at: Fraction | None = None) -> Stills:
    """Of the source with video that a stream is joined from, alone or with others."""
    (own,) = (part for part in joined if part.source == OWN)
    place = joined.index(own)
    video = own.video
    seeks = can_seek(facts, video)
    whole = video.frames * video.width * video.height <= _DECODED_WHOLE * 10**6
    return Stills(
        family=facts.family,
        stream=video.stream,
        origin=own.grid.origin + own.begin,
        duration=own.seconds,
        every=max(_SHORTEST_TILE, own.seconds / _MOST_TILES),
        rotation=video.rotation,
        poster=_within(video, _POSTER_SIDE),
        tile=_within(video, _TILE_SIDE),
        walk="all" if whole else "seek" if seeks else "keys",
        seeks=seeks,
        hdr=video.hdr,
        at=at,
        before=sum((part.seconds for part in joined[:place]), Fraction(0)),
        after=sum((part.seconds for part in joined[place + 1 :]), Fraction(0)),
    )


def storyboard(starts: Sequence[Fraction], duration: Fraction, tile: Sequence[int]) -> str:
    """WebVTT: from each of `starts` on its tile of the sheet, row by row, up to the next."""
    width, height = tile
    lines = ["WEBVTT", ""]
    for place, (start, end) in enumerate(zip(starts, [*starts[1:], duration], strict=True)):
        row, column = divmod(place, COLUMNS)
        area = f"{column * width},{row * height},{width},{height}"
        lines += [f"{clock(start)} --> {clock(max(end, start + Fraction(1, 1000)))}", f"{SHEET}#xywh={area}", ""]
    return "\n".join(lines)


def _within(video: VideoFacts, side: int) -> tuple[int, int]:
    """The size as a viewer sees it, no side longer than `side`."""
    width, height = video.display_size
    scale = min(Fraction(1), Fraction(side, max(width, height)))
    return max(1, round(width * scale)), max(1, round(height * scale))
