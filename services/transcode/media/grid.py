"""The output's frame clock, chosen once per source and shared by every chunk."""

from dataclasses import dataclass
from fractions import Fraction

from services.transcode.media.facts import VideoFacts

FASTEST = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """Output frame n is shown `n / rate` seconds into the stream and shows the source at `origin + n / rate`.

    Frame 0 lies on the source's first frame, so a constant rate source is never rounded near a half.
    """

    rate: Fraction
    origin: Fraction
    frames: int

    @property
    def duration(self) -> Fraction:
        return self.frames / self.rate


def grid_for(video: VideoFacts, asked: Fraction | None = None) -> Grid:
    """What is asked, else the source's own rate when constant, a standard one when it varies; a whole part above 60."""
    wanted = asked or (video.frame_rate if video.constant_rate else video.nominal_rate)
    rate = wanted / -(-wanted // FASTEST) if wanted > FASTEST else wanted
    own = video.constant_rate and rate == video.frame_rate
    frames = video.frames if own else max(1, round(video.duration * rate))
    return Grid(rate=rate, origin=video.start, frames=frames)
