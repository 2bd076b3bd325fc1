"""When a stream is right."""

from dataclasses import replace
from fractions import Fraction

from local.demo_judge import Judged, Picture, Sound, faults, picture
from local.demo_player import Variant

NTSC = Fraction(30000, 1001)
VARIANT = Variant(url="", audio_url="", bandwidth=1, width=1280, height=720, frame_rate=30.0)


def a_picture(frames: int = 600, rate: Fraction = Fraction(30)) -> Picture:
    seen = picture([number / rate for number in range(frames)], (1280, 720))
    assert seen is not None
    return seen


def a_sound(seconds: float = 20.0) -> Sound:
    return Sound(samples=round(seconds * 48000), rate=48000, monotonic=True)


SOURCE = Judged(picture=a_picture(), sound=a_sound())


def test_the_times_of_the_frames_tell_the_rest() -> None:
    seen = a_picture(600, NTSC)

    assert (seen.rate, seen.constant, seen.monotonic) == (NTSC, True, True)
    assert abs(seen.duration - 20.02) < 1e-9


def test_clocks_in_milliseconds_are_constant_still() -> None:
    seen = picture([Fraction(round(number * 1000 / NTSC), 1000) for number in range(300)], (2, 2))

    assert seen is not None
    assert seen.constant


def test_a_varying_rate_is_noticed() -> None:
    seen = picture([Fraction(number, 30) + Fraction(number > 50) for number in range(100)], (2, 2))

    assert seen is not None
    assert not seen.constant


def test_the_same_is_right() -> None:
    assert faults(SOURCE, SOURCE, VARIANT) == []


def test_sound_may_be_a_little_longer() -> None:
    assert faults(SOURCE, replace(SOURCE, sound=a_sound(20.05)), VARIANT) == []
    assert "the sound takes" in faults(SOURCE, replace(SOURCE, sound=a_sound(20.3)), VARIANT)[0]


def test_one_frame_less_is_wrong_at_a_constant_rate() -> None:
    assert faults(SOURCE, replace(SOURCE, picture=a_picture(599)), VARIANT) == ["599 frames, 600 were expected"]


def test_a_varying_source_becomes_what_the_playlist_promises() -> None:
    varying = replace(SOURCE, picture=replace(a_picture(437, Fraction(437, 20)), constant=False))

    assert faults(varying, SOURCE, VARIANT) == []
    assert faults(varying, replace(SOURCE, picture=a_picture(590)), VARIANT)[0] == "590 frames, 600 were expected"


def test_how_long_the_last_frame_of_a_varying_source_stays_is_not_judged() -> None:
    slow = picture([Fraction(at) for at in (0, 1, 3, 4, 10)], (1280, 720))
    source, variant = Judged(picture=slow, sound=None), replace(VARIANT, frame_rate=10.0)

    for frames in (101, 110, 125):
        stream = Judged(picture=a_picture(frames, Fraction(10)), sound=None)
        assert faults(source, stream, variant) == []


def test_a_source_quicker_than_any_stream_is_thinned() -> None:
    quick = replace(SOURCE, picture=a_picture(2400, Fraction(120)))
    stream = replace(SOURCE, picture=a_picture(1200, Fraction(60)))

    assert faults(quick, stream, replace(VARIANT, frame_rate=60.0)) == []


def test_every_other_fault_is_told() -> None:
    backwards = picture([Fraction(at, 30) for at in (0, 2, 1, 3)], (640, 360))
    source = Judged(picture=a_picture(4), sound=None)

    told = faults(source, Judged(picture=backwards, sound=None), VARIANT)

    assert told == ["frames are not in the order of their times", "640x360, the playlist said 1280x720"]
    assert faults(SOURCE, Judged(picture=None, sound=None), VARIANT) == [
        "the source has a picture, the stream has none",
        "only one of source and stream has sound",
    ]
