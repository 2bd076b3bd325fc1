"""Where a chunk begins to read: at its key frame, where that can be known."""

from fractions import Fraction
from typing import Any

from services.transcode.media.plan import VideoChunk, plan
from tests.unit.transcode_media.builders import HLS, a_source, a_video

JUST_AFTER = Fraction(1, 120)


def chunks_of(family: str, **changes: Any) -> tuple[VideoChunk, ...]:
    return plan(a_source(family=family, video=a_video(**changes)), HLS).chunks


def prerolls(family: str, **changes: Any) -> list[Fraction | None]:
    return [chunk.preroll for chunk in chunks_of(family, **changes)]


def test_an_mp4_is_asked_for_the_moment_after_the_first_frame() -> None:
    assert set(prerolls("mp4")) == {-JUST_AFTER}


def test_key_frames_that_take_longer_to_show_are_asked_for_earlier() -> None:
    assert set(prerolls("mp4", key_delay_spread=Fraction(1, 10))) == {Fraction(1, 10) - JUST_AFTER}


def test_an_mp4_that_starts_late_is_sought_earlier_by_as_much() -> None:
    assert set(prerolls("mp4", start=Fraction(5))) == {5 - JUST_AFTER}
    assert set(prerolls("matroska", start=Fraction(5), key_delay=Fraction(0))) == {-JUST_AFTER}


def test_what_ffmpeg_takes_off_where_frames_are_reordered_is_put_on() -> None:
    assert set(prerolls("matroska")) == {-JUST_AFTER - Fraction(3, 23)}


def test_a_transport_stream_is_entered_just_before_a_key_frame_is_decoded() -> None:
    before = Fraction(1, 15) + Fraction(1, 60)
    back = [Fraction(0), Fraction(1), Fraction(2), Fraction(1)]
    assert prerolls("mpegts", keyframe_period=Fraction(3)) == [JUST_AFTER + before + each for each in back]


def test_a_transport_stream_with_uneven_key_frames_goes_back_the_longest_way() -> None:
    uneven = prerolls("mpegts", keyframe_gap=Fraction(5), keyframe_period=None)
    assert set(uneven) == {5 + Fraction(1, 15) + Fraction(1, 60)}
    assert len(chunks_of("mpegts", keyframe_gap=Fraction(15))) == 1


def test_key_frames_that_heal_slowly_are_sought_earlier_by_as_much() -> None:
    assert prerolls("mp4", healing=60)[1:] == [2 - JUST_AFTER] * 3
    assert len(chunks_of("mp4", healing=500)) == 1


def test_a_frame_that_stays_long_is_read_from_where_it_began() -> None:
    stays = chunks_of("mp4", constant_rate=False, longest_frame=Fraction(6))
    assert all(chunk.preroll and chunk.preroll > 6 for chunk in stays)


def test_another_try_reads_from_further_back() -> None:
    chunk = chunks_of("mp4")[2]
    again = chunk.again()
    assert again.preroll == 12
    assert (again.start_frame, again.frames) == (chunk.start_frame, chunk.frames)
    whole = chunks_of("ogg")[0]
    assert whole.again() == whole


def test_where_frames_are_only_counted_the_codec_must_keep_their_order() -> None:
    assert set(prerolls("avi", codec="mpeg4")) == {Fraction(4, 30)}
    assert prerolls("avi", codec="h264") == [None]
    assert prerolls("avi", codec="mpeg4", packed=True) == [None]


def test_what_is_found_by_reading_all_before_it_must_be_small() -> None:
    assert len(plan(a_source(family="flv", size=64 << 20), HLS).chunks) == 4
    assert len(plan(a_source(family="flv", size=65 << 20), HLS).chunks) == 1
