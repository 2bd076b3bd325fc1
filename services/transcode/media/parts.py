"""What a stream is joined from: stretches of one source or several, each in whole frames of the stream."""

from dataclasses import dataclass, replace
from fractions import Fraction

from services.transcode.media.edits import Edits, Materials, Trim
from services.transcode.media.facts import SourceFacts, VideoFacts
from services.transcode.media.grid import Grid, grid_for

# Where a part's bytes are: in the job's own source, or in one of the assets that its edits name.
OWN, INTRO, OUTRO, WATERMARK = range(4)


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """`frames` frames of a source, after the first `skip`. `grid` is all of the source at the stream's rate."""

    source: int
    facts: SourceFacts
    video: VideoFacts
    grid: Grid
    skip: int
    frames: int

    @property
    def conformed(self) -> bool:
        """Whether the stream's rate is not the source's."""
        return not self.video.constant_rate or self.grid.rate != self.video.frame_rate

    @property
    def begin(self) -> Fraction:
        return self.skip / self.grid.rate

    @property
    def seconds(self) -> Fraction:
        return self.frames / self.grid.rate


def parts(
    facts: SourceFacts, video: VideoFacts, edits: Edits, materials: Materials, rate: Fraction | None = None
) -> tuple[Part, ...]:
    """In the order of the stream. The job's own source says the rate, where none is asked for."""
    grid = grid_for(video, rate)
    first, frames = stretch(edits.trim, grid.rate, grid.frames)
    own = Part(source=OWN, facts=facts, video=video, grid=grid, skip=first, frames=frames)
    before = _whole(INTRO, materials.intro, grid.rate)
    after = _whole(OUTRO, materials.outro, grid.rate)
    return (*before, own, *after)


def stretch(trim: Trim | None, rate: Fraction, frames: int) -> tuple[int, int]:
    """The first of a source's frames that stays, and how many do: at least one."""
    if trim is None:
        return 0, frames
    first = min(round(trim.start * rate), frames - 1)
    end = frames if trim.end is None else min(round(trim.end * rate), frames)
    longest = frames if trim.longest is None else round(trim.longest * rate)
    return first, max(1, min(end - first, longest))


def _whole(source: int, facts: SourceFacts | None, rate: Fraction) -> tuple[Part, ...]:
    if facts is None or facts.video is None:
        return ()
    own = grid_for(facts.video)
    grid = own if own.rate == rate else replace(own, rate=rate, frames=max(1, round(facts.video.duration * rate)))
    return (Part(source=source, facts=facts, video=facts.video, grid=grid, skip=0, frames=grid.frames),)
