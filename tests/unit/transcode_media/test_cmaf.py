"""A chunk that is not exactly what its grid says does not count."""

from fractions import Fraction

import pytest

from services.transcode.media.cmaf import check_chunk, read_cmaf
from services.transcode.media.codecs import codec_string
from services.transcode.media.errors import WrongOutput
from tests.unit.transcode_media.builders import a_fragment, an_init, box

INIT = an_init()


def check(*fragments: bytes, start: int = 120, frames: int = 20) -> None:
    track = read_cmaf(INIT + b"".join(fragments))
    check_chunk(track, start_frame=start, frames=frames, rate=Fraction(30), gop=10)


def test_a_file_is_taken_apart_byte_for_byte() -> None:
    first, second = a_fragment(at=120, samples=10), a_fragment(at=130, samples=3, durations=(1, 1, 2))
    data = INIT + first + second
    track = read_cmaf(data)
    assert (track.init, track.timescale) == (INIT, 30)
    assert [data[each.offset : each.offset + each.size] for each in track.fragments] == [first, second]
    assert [(each.decode_time, each.samples, each.ticks) for each in track.fragments] == [(120, 10, 10), (130, 3, 4)]


def test_a_chunk_in_its_place_counts() -> None:
    check(a_fragment(at=120, samples=10), a_fragment(at=130, samples=10))


@pytest.mark.parametrize(
    ("fragments", "complaint"),
    [
        ((), "nothing was written"),
        ((a_fragment(at=121, samples=10), a_fragment(at=131, samples=10)), "decode time 121, expected 120"),
        ((a_fragment(at=120, samples=10), a_fragment(at=131, samples=10)), "decode time 131, expected 130"),
        ((a_fragment(at=120, samples=10),), "10 frames"),
        ((a_fragment(at=120, samples=10, sync=False), a_fragment(at=130, samples=10)), "no key frame"),
        ((a_fragment(at=120, samples=5), a_fragment(at=125, samples=15)), "not 10 frames each"),
        ((a_fragment(at=120, samples=10), a_fragment(at=130, samples=10, durations=(1,) * 9 + (2,))), "11 ticks"),
    ],
)
def test_a_chunk_out_of_place_does_not(fragments: tuple[bytes, ...], complaint: str) -> None:
    with pytest.raises(WrongOutput, match=complaint):
        check(*fragments)


def test_a_timescale_that_cannot_carry_the_rate_is_refused() -> None:
    track = read_cmaf(an_init(timescale=1000) + a_fragment(at=0, samples=10))
    with pytest.raises(WrongOutput, match="timescale"):
        check_chunk(track, start_frame=0, frames=10, rate=Fraction(30), gop=10)


@pytest.mark.parametrize("cut", [1, 9, 40])
def test_half_a_fragment_is_no_fragment(cut: int) -> None:
    with pytest.raises(WrongOutput):
        read_cmaf((INIT + a_fragment(at=0, samples=50))[:-cut])


def test_no_moov_is_no_track() -> None:
    with pytest.raises(WrongOutput, match="no moov"):
        read_cmaf(box("ftyp", b"cmf2"))


def test_codec_strings_come_from_the_init() -> None:
    avcc = box("avcC", b"\x01\x64\x00\x1f\xff")
    assert codec_string(an_init(entry=box("avc1", bytes(78), avcc))) == "avc1.64001f"
    specific = b"\x05\x80\x80\x80\x02\x11\x90"
    config = b"\x04\x80\x80\x80" + bytes([13 + len(specific)]) + b"\x40" + bytes(12) + specific
    descriptor = b"\x03\x80\x80\x80" + bytes([3 + len(config)]) + bytes(3) + config
    esds = box("esds", bytes(4), descriptor)
    assert codec_string(an_init(entry=box("mp4a", bytes(28), esds))) == "mp4a.40.2"


@pytest.mark.parametrize("entry", [box("hvc1", bytes(78)), box("avc1", bytes(78)), box("mp4a", bytes(28))])
def test_an_init_without_a_known_codec_is_refused(entry: bytes) -> None:
    with pytest.raises(WrongOutput):
        codec_string(an_init(entry=entry))
