"""What was found in the chunks of a stream, and in its sound, and how it becomes one report."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from math import ceil, isfinite

from services.transcode.media.analysis import EVERY, MODEL
from services.transcode.media.loudness import Loudness
from services.transcode.media.plain import Plain, from_plain, to_plain

VERSION = 1
# Seconds: what is black, or stands still, for less is not worth telling.
_SHORTEST = Fraction(1, 2)
_PERCENTILE = Fraction(1, 100)
# In LUFS and dBTP.
_GATE = -70.0
# Scores are counted to a tenth.
_STEPS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool:
    """VMAF scores of `frames` frames, so that two pools make one: their sum, the sum of 1 / (score + 1), as libvmaf has
    its harmonic mean, the lowest, and how many there are of each tenth.
    """

    frames: int
    total: float
    inverse: float
    lowest: float
    counts: tuple[tuple[int, int], ...]

    @property
    def mean(self) -> float:
        return self.total / self.frames

    @property
    def harmonic_mean(self) -> float:
        return self.frames / self.inverse - 1

    @property
    def first_percentile(self) -> float:
        """The score that one frame in a hundred does not exceed, to a tenth (nearest rank)."""
        left = ceil(self.frames * _PERCENTILE)
        for tenth, count in self.counts:
            left -= count
            if left <= 0:
                return max(tenth / _STEPS, self.lowest)
        return self.lowest

    def __add__(self, other: "Pool") -> "Pool":
        counts = dict(self.counts)
        for tenth, count in other.counts:
            counts[tenth] = counts.get(tenth, 0) + count
        return Pool(
            frames=self.frames + other.frames,
            total=self.total + other.total,
            inverse=self.inverse + other.inverse,
            lowest=min(self.lowest, other.lowest),
            counts=tuple(sorted(counts.items())),
        )


def pool(scores: Sequence[float]) -> Pool:
    """Of at least one score."""
    return Pool(
        frames=len(scores),
        total=sum(scores),
        inverse=sum(1 / (score + 1) for score in scores),
        lowest=min(scores),
        counts=tuple(sorted(Counter(round(score * _STEPS) for score in scores).items())),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """`frame` is the first of a scene. `score` is how much it differs, up to 100; None where two sources meet."""

    frame: int
    score: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """Frames `start` up to, not including, `end`."""

    start: int
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RungScores:
    name: str
    width: int
    height: int
    codec: str
    pool: Pool


@dataclass(frozen=True, slots=True, kw_only=True)
class PicturePart:
    """What was found in one chunk, by frames of the stream: `frames` of them from `first` on.

    What is black or frozen may reach into the next chunk, by the frames that were looked at beyond this one's end.
    """

    first: int
    frames: int
    follows: bool
    rate: Fraction
    size: tuple[int, ...]
    cuts: tuple[Cut, ...]
    black: tuple[Span, ...]
    frozen: tuple[Span, ...]
    rungs: tuple[RungScores, ...]

    def to_json(self) -> Plain:
        plain: Plain = to_plain(self)
        return plain

    @classmethod
    def from_json(cls, data: Plain) -> "PicturePart":
        return from_plain(cls, data)


@dataclass(frozen=True, slots=True, kw_only=True)
class SoundPart:
    """Of `seconds` of sound: as it came, and as it was made."""

    seconds: Fraction
    source: Loudness
    output: Loudness

    def to_json(self) -> Plain:
        plain: Plain = to_plain(self)
        return plain

    @classmethod
    def from_json(cls, data: Plain) -> "SoundPart":
        return from_plain(cls, data)


def report(parts: Sequence[PicturePart], sound: SoundPart | None) -> Plain:
    """All that was found, as docs/analysis.md describes it. `parts` are those of a whole stream, in its order."""
    told: Plain = {"version": VERSION, "video": None, "vmaf": None, "audio": None}
    if parts:
        told |= {"video": _video(parts), "vmaf": _vmaf(parts)}
    if sound:
        loudness = {"source": _loudness(sound.source), "output": _loudness(sound.output)}
        told["audio"] = {"duration": _round(sound.seconds), "loudness": loudness}
    return told


def cuts(parts: Sequence[PicturePart]) -> list[Cut]:
    """Where a part does not follow the one before, another source begins."""
    joints = [Cut(frame=part.first, score=None) for part in parts if part.first and not part.follows]
    found = {cut.frame: cut for cut in (*joints, *(cut for part in parts for cut in part.cuts))}
    return [found[frame] for frame in sorted(found)]


def joined(stretches: Iterable[Span], *, touching: bool) -> list[Span]:
    """One stretch for those that overlap or, if `touching` is enough, follow each other without a frame between."""
    made: list[Span] = []
    for each in sorted(stretches, key=lambda each: each.start):
        if made and each.start < made[-1].end + touching:
            made[-1] = replace(made[-1], end=max(made[-1].end, each.end))
        else:
            made.append(each)
    return made


def _video(parts: Sequence[PicturePart]) -> Plain:
    rate, frames = parts[0].rate, sum(part.frames for part in parts)
    # Whether pictures are black can be said of each; whether they stand still, only beside each other.
    black = joined((each for part in parts for each in part.black), touching=True)
    frozen = joined((each for part in parts for each in part.frozen), touching=False)
    return {
        "frames": frames,
        "frame_rate": f"{rate.numerator}/{rate.denominator}",
        "duration": _round(frames / rate),
        "scene_cuts": [
            {"time": _round(cut.frame / rate), "frame": cut.frame, "score": cut.score} for cut in cuts(parts)
        ],
        "black": _stretches(black, rate, frames),
        "frozen": _stretches(frozen, rate, frames),
    }


def _stretches(found: Iterable[Span], rate: Fraction, frames: int) -> list[Plain]:
    inside = (replace(each, end=min(each.end, frames)) for each in found)
    return [
        {"start": _round(each.start / rate), "end": _round(each.end / rate)}
        for each in inside
        if long_enough(each, rate)
    ]


def long_enough(span: Span, rate: Fraction) -> bool:
    """Whether to tell of it."""
    return (span.end - span.start) / rate >= _SHORTEST


def _vmaf(parts: Sequence[PicturePart]) -> Plain | None:
    made: dict[str, RungScores] = {}
    for rung in (rung for part in parts for rung in part.rungs):
        before = made.get(rung.name)
        made[rung.name] = replace(rung, pool=before.pool + rung.pool) if before else rung
    if not made:
        return None
    width, height = parts[0].size
    rungs = [_rung(rung) for rung in made.values()]
    return {"model": MODEL, "width": width, "height": height, "every": EVERY, "renditions": rungs}


def _rung(rung: RungScores) -> Plain:
    scores = rung.pool
    return {
        "name": rung.name,
        "codec": rung.codec,
        "width": rung.width,
        "height": rung.height,
        "frames": scores.frames,
        "mean": round(scores.mean, 3),
        "harmonic_mean": round(scores.harmonic_mean, 3),
        "min": round(scores.lowest, 3),
        "percentile_1": round(scores.first_percentile, 3),
    }


def _loudness(measured: Loudness) -> Plain:
    """Silence has none: JSON knows no infinity, and at -70 LUFS the gate has left nothing."""
    values = {
        "integrated_lufs": measured.integrated,
        "range_lu": measured.range,
        "true_peak_dbtp": measured.peak,
    }
    return {name: value if isfinite(value) and value > _GATE else None for name, value in values.items()}


def _round(seconds: Fraction) -> float:
    return round(float(seconds), 6)
