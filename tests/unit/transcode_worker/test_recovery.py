"""What an H.264 key frame says of itself."""

import pytest

from services.transcode.worker.recovery import length_size, recovery_frames

# recovery_frame_cnt 39 as ue(v), 0000010 1000, then three flags and the trailing bit.
HEALS = b"\x06\x06\x02\x05\x08\x80"
PARAMETERS, IDR, SLICE = b"\x67\x64\x00\x1e", b"\x65\x88\x84", b"\x41\x9a\x06\x06\x02\x05\x08"
TITLE = b"\x06\x05\xff\x01" + bytes(range(256)) + b"\x80"


def parted(*units: bytes) -> bytes:
    return b"".join(b"\0\0\0\1" + unit for unit in units)


def measured(*units: bytes) -> bytes:
    return b"".join(len(unit).to_bytes(4, "big") + unit for unit in units)


def test_it_says_after_how_many_frames_pictures_are_whole() -> None:
    assert recovery_frames(parted(PARAMETERS, TITLE, HEALS, SLICE), 0) == 39
    assert recovery_frames(measured(PARAMETERS, TITLE, HEALS, SLICE), 4) == 39


def test_what_comes_after_the_picture_began_is_not_asked() -> None:
    assert recovery_frames(parted(IDR, HEALS), 0) == 0
    assert recovery_frames(measured(SLICE, HEALS), 4) == 0


@pytest.mark.parametrize(
    "packet", [b"", b"\0\0\1", b"\0\0\1\x06", b"\0\0\1\x06\x06", b"\0\0\1\x06\xff\xff\xff", bytes(99)]
)
@pytest.mark.parametrize("size_bytes", [0, 1, 4])
def test_nonsense_says_nothing(packet: bytes, size_bytes: int) -> None:
    assert recovery_frames(packet, size_bytes) == 0


def test_how_units_are_parted_is_told_by_the_header() -> None:
    assert length_size(b"\x01\x64\x00\x1e\xff\xe1") == 4
    assert length_size(b"\0\0\0\1\x67") == length_size(None) == 0
