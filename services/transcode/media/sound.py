"""The whole audio as one task, however many sources it is heard from."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from services.transcode.media.edits import NO_EDITS, Materials
from services.transcode.media.encoders import REORDER
from services.transcode.media.facts import SourceFacts
from services.transcode.media.parts import OWN, Part, parts, stretch
from services.transcode.media.plain import Plain, from_plain, to_plain
from services.transcode.media.preset import AudioCodec, Preset
from services.transcode.media.seeking import can_seek

AUDIO_RATE = 48_000
# Sound that is over by then would be lost in the encoder's priming.
_SHORTEST_SOUND = Fraction(1, 20)
# Before a stretch's beginning, in seconds, reading begins: sound may lie that far from its pictures in a file.
_SEEK_BEFORE = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """`samples` of a source from the time `origin` on its clock; silence without a `stream`.

    Reading begins at `seek`, on the same clock; without it at the source's beginning.
    """

    source: int
    family: str
    stream: int | None
    origin: Fraction
    samples: int
    seek: Fraction | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AudioTrack:
    """One task: the whole audio, heard `delay` seconds after its times, as the pictures are seen.

    `origin` is the source time of the stream's zero, `duration` where it must end, `seek` as in Stretch. It comes to
    `loudness` in LUFS, if that is said. What is heard of several sources is in `joined`, in place of `family`,
    `stream`, `origin` and `seek`.
    """

    family: str
    stream: int
    origin: Fraction
    duration: Fraction
    bit_rate: int
    segment_seconds: int
    delay: Fraction
    codec: AudioCodec = "aac"
    seek: Fraction | None = None
    loudness: Fraction | None = None
    joined: tuple[Stretch, ...] = ()

    @property
    def samples(self) -> int:
        return round(self.duration * AUDIO_RATE)

    @property
    def stretches(self) -> tuple[Stretch, ...]:
        """What follows what; each that is no silence is an input of its own."""
        alone = Stretch(
            source=OWN,
            family=self.family,
            stream=self.stream,
            origin=self.origin,
            samples=self.samples,
            seek=self.seek,
        )
        return self.joined or (alone,)

    @property
    def heard(self) -> list[Stretch]:
        return [each for each in self.stretches if each.stream is not None]

    def to_json(self) -> Plain:
        plain: Plain = to_plain(self)
        return plain

    @classmethod
    def from_json(cls, data: Plain) -> "AudioTrack":
        return from_plain(cls, data)


def sound_of(joined: Sequence[Part], preset: Preset) -> AudioTrack | None:
    """What is heard with these parts, each from its first picture to the next part's."""
    ends = [Fraction(0)]
    for part in joined:
        ends.append(ends[-1] + part.seconds)
    stretches = [
        _stretch(part, round(end * AUDIO_RATE) - round(begin * AUDIO_RATE))
        for part, begin, end in zip(joined, ends, ends[1:], strict=False)
    ]
    first = next((each for each in stretches if each.stream is not None), None)
    if preset.audio is None or first is None or first.stream is None:
        return None
    return AudioTrack(
        family=first.family,
        stream=first.stream,
        origin=first.origin,
        duration=ends[-1],
        bit_rate=preset.audio.bit_rate,
        codec=preset.audio.codec,
        segment_seconds=preset.gop_seconds,
        delay=REORDER / joined[0].grid.rate,
        seek=first.seek,
        loudness=preset.audio.loudness,
        joined=tuple(stretches) if len(stretches) > 1 else (),
    )


def sound_alone(facts: SourceFacts, materials: Materials, preset: Preset) -> AudioTrack | None:
    """Of a source, or for a stream, without pictures."""
    audio, edits = facts.audio, preset.edits
    if audio is None or preset.audio is None or edits.mute:
        return None
    if facts.video and edits != NO_EDITS:
        track = sound_of(parts(facts, facts.video, edits, materials), preset)
        return replace(track, delay=Fraction(0)) if track else None
    first, samples = stretch(edits.trim, Fraction(AUDIO_RATE), round(audio.duration * AUDIO_RATE))
    begin, duration = Fraction(first, AUDIO_RATE), Fraction(samples, AUDIO_RATE) if edits.trim else audio.duration
    if duration <= _SHORTEST_SOUND:
        return None
    return AudioTrack(
        family=facts.family,
        stream=audio.stream,
        origin=audio.start + begin,
        duration=duration,
        bit_rate=preset.audio.bit_rate,
        codec=preset.audio.codec,
        segment_seconds=preset.gop_seconds,
        delay=Fraction(0),
        loudness=preset.audio.loudness,
    )


def _stretch(part: Part, samples: int) -> Stretch:
    audio = part.facts.audio
    origin = part.video.sync_start + part.begin
    audible = audio is not None and audio.start + audio.duration > origin + _SHORTEST_SOUND
    far = part.begin > _SEEK_BEFORE and can_seek(part.facts, part.video)
    return Stretch(
        source=part.source,
        family=part.facts.family,
        stream=audio.stream if audio and audible else None,
        origin=origin,
        samples=samples,
        seek=part.video.start + part.begin - _SEEK_BEFORE if far else None,
    )
