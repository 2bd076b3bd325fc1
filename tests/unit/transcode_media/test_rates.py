"""What rate the times of a source's frames are."""

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.transcode.media.grid import grid_for
from services.transcode.media.rates import STANDARD, constant_rate, nearest_standard, nominal_rate
from tests.unit.transcode_media.builders import a_video

MS = Fraction(1, 1000)


@settings(deadline=None)
@given(st.sampled_from(STANDARD), st.integers(0, 5000), st.integers(150, 400))
def test_times_rounded_to_milliseconds_still_show_their_rate(rate: Fraction, start: int, frames: int) -> None:
    ticks = [start + round(n / rate / MS) for n in range(frames)]
    found = constant_rate(ticks, MS, None)
    assert found is not None
    # A short clip fits two rates a thousandth apart; both put every frame in its place.
    assert abs(found / rate - 1) < Fraction(1, 500)
    assert [round((tick - start) * MS * found) for tick in ticks] == list(range(frames))


def test_an_unusual_rate_is_kept() -> None:
    ticks = [n * 1000 for n in range(100)]
    assert constant_rate(ticks, Fraction(1, 7000), Fraction(7)) == 7


def test_a_missing_frame_makes_the_rate_variable_and_its_nominal_rate_known() -> None:
    ticks = [n for n in range(100) if n != 50]
    assert constant_rate(ticks, Fraction(1, 30), Fraction(30)) is None
    assert nominal_rate(ticks, Fraction(1, 30)) == 30


def test_one_frame_has_the_rate_it_is_said_to_have() -> None:
    assert constant_rate([7], MS, Fraction(24)) == 24
    assert nominal_rate([7], MS) == 25


@pytest.mark.parametrize(
    ("rate", "standard"), [("29.9", "30000/1001"), ("31", "30"), ("23.9", "24000/1001"), ("1", "10")]
)
def test_the_nearest_standard(rate: str, standard: str) -> None:
    assert nearest_standard(Fraction(rate)) == Fraction(standard)


@pytest.mark.parametrize(
    ("source", "output"), [("30", "30"), ("60000/1001", "60000/1001"), ("120", "60"), ("100", "50"), ("5", "5")]
)
def test_the_grid_keeps_a_constant_rate_up_to_60(source: str, output: str) -> None:
    grid = grid_for(a_video(frame_rate=Fraction(source), duration=Fraction(20), frames=int(20 * Fraction(source))))
    assert grid.rate == Fraction(output)
    assert abs(grid.duration - 20) <= 1 / grid.rate


def test_the_grid_of_a_variable_rate_is_its_nominal_one() -> None:
    video = a_video(constant_rate=False, frame_rate=Fraction(271, 10), start=Fraction(7, 5), frames=542)
    grid = grid_for(video)
    assert (grid.rate, grid.origin, grid.frames) == (Fraction(30), Fraction(7, 5), 600)
