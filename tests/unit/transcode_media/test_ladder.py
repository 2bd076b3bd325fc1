"""Rungs fit the source."""

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.transcode.media.ladder import ladder
from tests.unit.transcode_media.builders import HLS, a_video

RATE = Fraction(30)


def sizes(width: int, height: int) -> list[tuple[int, int]]:
    return [(rung.width, rung.height) for rung in ladder(a_video(width=width, height=height), HLS, RATE)]


def test_a_full_ladder() -> None:
    assert sizes(1920, 1080) == [(1920, 1080), (1280, 720), (854, 480), (640, 360)]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ((1080, 1920), [(1080, 1920), (720, 1280), (480, 854), (360, 640)]),
        ((640, 272), [(640, 272)]),
        ((853, 480), [(852, 480), (640, 360)]),
        ((161, 121), [(160, 120)]),
        ((3840, 2160), [(1920, 1080), (1280, 720), (854, 480), (640, 360)]),
        ((1, 1), [(2, 2)]),
    ],
)
def test_the_short_side_decides(source: tuple[int, int], expected: list[tuple[int, int]]) -> None:
    assert sizes(*source) == expected


@settings(deadline=None)
@given(st.integers(16, 8000), st.integers(16, 8000))
def test_no_rung_is_odd_or_above_the_source(width: int, height: int) -> None:
    rungs = ladder(a_video(width=width, height=height), HLS, RATE)
    assert rungs
    assert len({rung.name for rung in rungs}) == len(rungs)
    for rung in rungs:
        assert rung.width % 2 == rung.height % 2 == 0
        assert rung.width <= width
        assert rung.height <= height
        assert rung.why


def test_fast_motion_gets_more_bits() -> None:
    slow, fast = (ladder(a_video(), HLS, Fraction(rate))[0] for rate in (30, 60))
    assert (slow.maxrate, fast.maxrate, fast.bufsize) == (5_000_000, 7_500_000, 15_000_000)
