"""What was found in chunks is what would have been found in the whole, wherever the joins lie."""

from fractions import Fraction
from itertools import groupby, pairwise
from math import ceil
from statistics import fmean, harmonic_mean

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.transcode.media.analysis import EVERY, TAIL
from services.transcode.media.findings import Cut, PicturePart, Pool, RungScores, SoundPart, Span, pool, report
from services.transcode.media.loudness import Loudness

RATE = Fraction(30)
SCORES = st.lists(st.floats(0, 100, width=32), min_size=1, max_size=300)


def runs(values: list[int], shortest: int = 1) -> list[Span]:
    """Where the same value stays for so many frames."""
    spans, at = [], 0
    for _, group in groupby(values):
        length = len(list(group))
        if length >= shortest:
            spans.append(Span(start=at, end=at + length))
        at += length
    return spans


def found(pictures: list[int], first: int, end: int) -> PicturePart:
    """By a task that looks at frames `first` to `end` and at the tail. Picture 0 is black, each other one a scene."""
    seen = pictures[first : end + TAIL]
    black = [each for each in runs(seen) if not seen[each.start]]
    changes = [frame for frame in range(TAIL if first else 1, len(seen)) if seen[frame] != seen[frame - 1]]
    return PicturePart(
        first=first,
        frames=end - first,
        follows=first > 0,
        rate=RATE,
        size=(320, 180),
        cuts=tuple(Cut(frame=first + frame, score=50.0) for frame in changes),
        black=tuple(Span(start=first + each.start, end=first + each.end) for each in black),
        frozen=tuple(Span(start=first + each.start, end=first + each.end) for each in runs(seen, 2)),
        rungs=(),
    )


@given(st.data())
def test_joins_leave_no_trace(data: st.DataObject) -> None:
    scenes = data.draw(st.lists(st.tuples(st.integers(0, 3), st.integers(1, 40)), min_size=1, max_size=12))
    pictures = [picture for picture, length in scenes for _ in range(length)]
    inner = data.draw(st.sets(st.integers(1, max(1, len(pictures) - 1)), max_size=8)) - {len(pictures)}
    bounds = [0, *sorted(inner), len(pictures)]
    told = report([found(pictures, *each) for each in pairwise(bounds)], None)["video"]
    whole = report([found(pictures, 0, len(pictures))], None)["video"]
    assert told == whole
    long = [each for each in runs(pictures) if each.end - each.start >= 15]
    assert [round(each["start"] * 30) for each in told["frozen"]] == [each.start for each in long]
    assert [round(each["end"] * 30) for each in told["black"]] == [
        each.end for each in long if not pictures[each.start]
    ]


@given(SCORES, st.integers(1, 40))
def test_scores_are_pooled_by_frames(scores: list[float], step: int) -> None:
    first, *others = (pool(scores[at : at + step]) for at in range(0, len(scores), step))
    pooled: Pool = sum(others, first)
    assert (pooled.frames, pooled.lowest) == (len(scores), min(scores))
    assert pooled.mean == pytest.approx(fmean(scores))
    assert pooled.harmonic_mean == pytest.approx(harmonic_mean([score + 1 for score in scores]) - 1)
    rank = sorted(scores)[ceil(len(scores) / 100) - 1]
    assert pooled.first_percentile == pytest.approx(rank, abs=0.051)
    assert pooled.lowest <= pooled.first_percentile
    assert pooled.counts == pool(scores).counts


def test_a_report_says_all_of_it() -> None:
    rung = RungScores(name="v144", width=256, height=144, codec="h264", pool=pool([90.0, 95.0]))
    part = PicturePart(
        first=0,
        frames=60,
        follows=False,
        rate=Fraction(30000, 1001),
        size=(320, 180),
        cuts=(Cut(frame=30, score=41.5),),
        black=(Span(start=0, end=30),),
        frozen=(Span(start=0, end=9), Span(start=50, end=60)),
        rungs=(rung,),
    )
    outro = PicturePart.from_json(part.to_json() | {"first": 60, "black": [], "frozen": [], "cuts": []})
    sound = SoundPart(
        seconds=Fraction(4), source=Loudness(-31.2, -9.5, 4.0), output=Loudness(-70.0, float("-inf"), 0.0)
    )
    assert report([part, outro], sound) == {
        "version": 1,
        "video": {
            "frames": 120,
            "frame_rate": "30000/1001",
            "duration": 4.004,
            "scene_cuts": [
                {"time": 1.001, "frame": 30, "score": 41.5},
                {"time": 2.002, "frame": 60, "score": None},
            ],
            "black": [{"start": 0.0, "end": 1.001}],
            "frozen": [],
        },
        "vmaf": {
            "model": "vmaf_v0.6.1",
            "width": 320,
            "height": 180,
            "every": EVERY,
            "renditions": [
                {
                    "name": "v144",
                    "codec": "h264",
                    "width": 256,
                    "height": 144,
                    "frames": 4,
                    "mean": 92.5,
                    "harmonic_mean": 92.433,
                    "min": 90.0,
                    "percentile_1": 90.0,
                }
            ],
        },
        "audio": {
            "duration": 4.0,
            "loudness": {
                "source": {"integrated_lufs": -31.2, "range_lu": 4.0, "true_peak_dbtp": -9.5},
                "output": {"integrated_lufs": None, "range_lu": 0.0, "true_peak_dbtp": None},
            },
        },
    }


def test_of_sound_alone_the_sound_is_told() -> None:
    told = report([], SoundPart(seconds=Fraction(1), source=Loudness(-20, -1), output=Loudness(-23, -4)))
    assert (told["video"], told["vmaf"], told["audio"]["duration"]) == (None, None, 1.0)
