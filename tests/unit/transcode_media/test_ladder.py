"""Rungs fit the source."""

from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.transcode.media.ladder import ladder
from services.transcode.media.preset import PresetRung
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


def boxed(width: int, height: int, size: tuple[int, int] = (1920, 1080), **asked: Any) -> tuple[int, int, Any]:
    wanted = replace(HLS.video[0], rungs=(PresetRung(width=width, height=height, **asked),))
    (rung,) = ladder(a_video(width=size[0], height=size[1]), replace(HLS, video=(wanted,)), RATE)
    return rung.width, rung.height, rung.picture


def test_a_picture_keeps_its_shape_in_whatever_box_is_asked_for() -> None:
    assert boxed(1280, 720) == (1280, 720, ())
    assert boxed(1280, 0) == boxed(0, 720) == boxed(1280, 1280) == (1280, 720, ())
    assert boxed(720, 720, fit="pad") == (720, 720, (720, 404))
    assert boxed(1280, 720, (1080, 1920)) == (404, 720, ())
    assert boxed(1280, 720, (1080, 1920), fit="pad") == (1280, 720, (404, 720))


def test_a_picture_is_enlarged_only_where_that_is_asked_for() -> None:
    assert boxed(1280, 720, (321, 181)) == (320, 180, ())
    assert boxed(1280, 720, (320, 180), fit="pad") == (1280, 720, (320, 180))
    assert boxed(1280, 720, (320, 180), upscale=True) == (1280, 720, ())
    assert boxed(0, 720, (321, 181), upscale=True)[:2] == (1276, 720)


def test_rungs_of_one_size_have_names_of_their_own() -> None:
    rungs = (PresetRung(width=1280), PresetRung(height=720), PresetRung(short_side=720))
    made = ladder(a_video(), replace(HLS, video=(replace(HLS.video[0], rungs=rungs),)), RATE)
    assert [rung.name for rung in made] == ["v720", "v720.2", "v720.3"]
