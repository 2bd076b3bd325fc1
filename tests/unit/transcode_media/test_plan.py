"""Chunks cover the source once, on key frames, short ones first."""

from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.transcode.media.edits import Edits, Trim
from services.transcode.media.plan import boundaries, plan
from tests.unit.transcode_media.builders import HLS, a_source, a_video, an_audio


def test_the_first_chunks_are_short() -> None:
    chunks = plan(a_source(), HLS).chunks
    assert [(chunk.start_frame, chunk.end_frame, chunk.frames) for chunk in chunks] == [
        (0, 120, 120),
        (120, 240, 120),
        (240, 480, 240),
        (480, None, 120),
    ]


@settings(deadline=None)
@given(st.integers(1, 100_000), st.integers(1, 240), st.integers(1, 4), st.integers(0, 3))
def test_boundaries_are_key_frames_and_leave_no_crumbs(frames: int, gop: int, gops: int, early: int) -> None:
    starts = boundaries(frames, gop, gops, early)
    assert starts[0] == 0
    assert all(start % gop == 0 for start in starts)
    lengths = [after - before for before, after in zip(starts, (*starts[1:], frames), strict=True)]
    assert all(length <= gops * gop + gop for length in lengths)
    assert len(starts) == 1 or lengths[-1] >= gop


def test_the_last_chunks_are_short_so_that_workers_end_together() -> None:
    starts = boundaries(120 * 16, 120, 3, 2)
    assert [start // 120 for start in starts] == [0, 1, 2, 5, 8, 11, 14, 15]


@pytest.mark.parametrize("family", ["avi", "asf", "ogg", "mpegps"])
def test_where_seeking_is_not_to_be_trusted_there_is_one_chunk(family: str) -> None:
    (chunk,) = plan(a_source(family=family), HLS).chunks
    assert (chunk.start_frame, chunk.end_frame, chunk.frames, chunk.preroll) == (0, None, 600, None)


def test_sound_begins_with_the_first_picture_and_ends_with_the_last() -> None:
    source = a_source(video=a_video(start=Fraction(3, 2), sync_start=Fraction(3, 2)), audio=an_audio(start=Fraction(1)))
    audio = plan(source, HLS).audio
    assert audio is not None
    assert (audio.origin, audio.duration) == (Fraction(3, 2), Fraction(20))


def test_a_last_picture_may_be_held_as_long_as_any_other() -> None:
    assert [chunk.hold for chunk in plan(a_source(), HLS).chunks] == [0, 0, 0, 2]
    slides = a_video(constant_rate=False, longest_frame=Fraction(2))
    assert [chunk.hold for chunk in plan(a_source(video=slides), HLS).chunks] == [0, 0, 0, 62]


def test_sound_that_is_over_before_the_first_picture_is_left_out() -> None:
    late = a_video(start=Fraction(9), sync_start=Fraction(9))
    assert plan(a_source(video=late, audio=an_audio(duration=Fraction(9))), HLS).audio is None


def test_sound_alone_has_a_plan_and_an_image_has_nothing_to_do() -> None:
    alone = plan(a_source(video=None, audio=an_audio(start=Fraction(1, 4))), HLS)
    assert (alone.grid, alone.chunks) == (None, ())
    assert alone.audio is not None
    assert alone.audio.origin == Fraction(1, 4)
    image = plan(a_source(audio=None, kind="image"), HLS)
    assert (image.chunks, image.audio) == ((), None)


def test_a_preset_that_trims_makes_of_an_image_what_others_do() -> None:
    image = a_source(audio=None, kind="image", duration=Fraction(0))
    trimming = replace(HLS, edits=Edits(trim=Trim(longest=Fraction(30))))
    assert plan(image, trimming) == plan(image, HLS)
