"""Subtitles of a source beside its stream: what each is called, and which of its cues are of when."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import ceil

from langcodes import Language
from langcodes.tag_parser import LanguageTagError

from services.transcode.media.encoders import REORDER
from services.transcode.media.facts import SubtitleFacts
from services.transcode.media.parts import OWN, Part
from services.transcode.media.subtitles import Subtitle

_NO_LANGUAGE = ("", "und", "mis", "mul", "zxx")
_LONGEST_LABEL = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """How a player offers one to choose. `name` and `label` are its own among all; `language` is BCP 47, or empty."""

    name: str
    label: str
    language: str
    default: bool
    forced: bool
    hearing_impaired: bool

    @property
    def file(self) -> str:
        return f"{self.name}.vtt"


@dataclass(frozen=True, slots=True, kw_only=True)
class TextTrack:
    """One of them beside the stream, which lasts `duration` seconds; its file has `size` bytes.

    `file_uri`, and `uri` of its media playlist, are as the master playlist names them.
    """

    offer: Offer
    file_uri: str
    duration: Fraction
    size: int

    @property
    def uri(self) -> str:
        return f"{self.offer.name}.m3u8"

    @property
    def bandwidth(self) -> int:
        """Bits per second."""
        return max(1, ceil(8 * self.size / self.duration)) if self.duration else 1


def subtitles(found: Sequence[SubtitleFacts], joined: Sequence[Part]) -> tuple[Subtitle, ...]:
    """Of the source that a stream is joined from, alone or with others, whose own are left out."""
    (own,) = (part for part in joined if part.source == OWN)
    place = joined.index(own)
    return tuple(
        Subtitle(
            name=offer.file,
            codec=facts.codec,
            kept=facts.kept,
            # As the sound, they are timed by the container.
            origin=own.video.sync_start + own.begin,
            duration=own.seconds,
            before=sum((part.seconds for part in joined[:place]), Fraction(0)),
            after=sum((part.seconds for part in joined[place + 1 :]), Fraction(0)),
            delay=REORDER / joined[0].grid.rate,
        )
        for facts, offer in zip(found, offers(found), strict=True)
    )


def offers(found: Sequence[SubtitleFacts]) -> tuple[Offer, ...]:
    """In the order of the source. At most one of them is the default."""
    made: list[Offer] = []
    for facts in found:
        language = tag(facts.language)
        label = _printable(facts.title)[:_LONGEST_LABEL] or _called(language)
        made.append(
            Offer(
                name=_own(f"subtitles-{language or 'und'}", [each.name for each in made], "-"),
                label=_own(label, [each.label for each in made], " "),
                language=language,
                default=facts.default and not facts.forced and not any(each.default for each in made),
                forced=facts.forced,
                hearing_impaired=facts.hearing_impaired,
            )
        )
    return tuple(made)


def tag(language: str) -> str:
    """What a container says of a language, often by ISO 639-2, as the shortest tag of BCP 47; empty for none."""
    try:
        found = Language.get(language.strip().replace("_", "-"))
    except LanguageTagError:
        return ""
    return found.to_tag() if found.language not in (*_NO_LANGUAGE, None) and found.is_valid() else ""


def _printable(title: str) -> str:
    """Without what no attribute of a playlist, or of a manifest, may hold."""
    return "".join(each for each in title if each.isprintable() and each != '"').strip()


def _called(language: str) -> str:
    """As those call it who speak it."""
    return Language.get(language).autonym() if language else "Subtitles"


def _own(name: str, taken: Sequence[str], joint: str) -> str:
    """The name, with a number where another has it already."""
    numbered = [name, *(f"{name}{joint}{number}" for number in range(2, len(taken) + 2))]
    return next(each for each in numbered if each not in taken)
