"""Subtitles of a source, as the tasks that make WebVTT of them are told of them.

Programs in the sandbox import this at every start: how they are offered to players is in `text_tracks`.
"""

from dataclasses import dataclass
from fractions import Fraction

from services.transcode.media.plain import Plain, from_plain, to_plain

# As their decoders are called. Others give pictures, or are none that players could show.
SCRIPTS = frozenset({"ass", "ssa"})
TEXTS = SCRIPTS | {"mov_text", "srt", "subrip", "text", "webvtt"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Subtitle:
    """One task: the file `name` from the packets `kept` of a source.

    Of the source it is the stretch of `duration` seconds from the time `origin` on its clock that the stream shows,
    `before` which and `after` which it shows others. Its segments have times that are `delay` seconds later.
    """

    name: str
    codec: str
    kept: str
    origin: Fraction
    duration: Fraction
    before: Fraction
    after: Fraction
    delay: Fraction

    @property
    def length(self) -> Fraction:
        """Seconds of the stream."""
        return self.before + self.duration + self.after

    def to_json(self) -> Plain:
        plain: Plain = to_plain(self)
        return plain

    @classmethod
    def from_json(cls, data: Plain) -> "Subtitle":
        return from_plain(cls, data)


def packets_of(stream: int) -> str:
    """The file in which a probe leaves them."""
    return f"subtitles-{stream}.json"
