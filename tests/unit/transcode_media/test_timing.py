"""Segments moved in time, by the fields of their moof."""

from __future__ import annotations

import struct

import pytest

from services.transcode.media.boxes import children
from services.transcode.media.errors import WrongOutput
from services.transcode.media.timing import decoded_later, shown_later

MDAT = struct.pack(">I4s", 12, b"mdat") + b"data"


def box(kind: bytes, *parts: bytes) -> bytes:
    body = b"".join(parts)
    return struct.pack(">I4s", 8 + len(body), kind) + body


def a_segment(offsets: list[int] | None, samples: int = 3, decode_time: int = 900) -> bytes:
    """Samples of 10 bytes; without `offsets` the run says nothing of composition."""
    flags = 0x1 | 0x4 | 0x200 | (0x800 if offsets else 0)
    run = struct.pack(">IIiI", 1 << 24 | flags, samples, 108, 0x02000000)
    for index in range(samples):
        run += struct.pack(">I", 10) + (struct.pack(">i", offsets[index]) if offsets else b"")
    tfhd = box(b"tfhd", struct.pack(">III", 0x20008, 1, 512))
    tfdt = box(b"tfdt", struct.pack(">IQ", 1 << 24, decode_time))
    return box(b"moof", box(b"mfhd", bytes(8)), box(b"traf", tfhd, tfdt, box(b"trun", run))) + MDAT


def offsets_of(segment: bytes) -> tuple[int, list[int]]:
    """The run's data offset and composition offsets, written with sizes beside them."""
    at = segment.index(b"trun") + 4
    head, samples, data_offset, _ = struct.unpack_from(">IIiI", segment, at)
    assert head & 0x800
    return data_offset, [struct.unpack_from(">Ii", segment, at + 16 + 8 * index)[1] for index in range(samples)]


def test_every_picture_is_shown_later() -> None:
    moved = shown_later(a_segment([0, 1536, -1024]), 1024)
    assert offsets_of(moved) == (108, [1024, 2560, 0])


def test_a_run_without_offsets_gets_them_and_its_data_is_still_found() -> None:
    before = a_segment(None)
    moved = shown_later(before, 1024)
    assert offsets_of(moved) == (108 + 12, [1024] * 3)
    assert len(moved) == len(before) + 12
    assert moved.endswith(MDAT)
    assert [each.kind for each in children(moved, 0, len(moved))] == ["moof", "mdat"]


def test_a_picture_before_its_time_is_refused() -> None:
    with pytest.raises(WrongOutput, match="512 ticks before"):
        shown_later(a_segment([0, 0, -1536]), 1024)


def test_a_decode_time_moves_and_nothing_else_does() -> None:
    before = a_segment([0, 0, 0])
    moved = decoded_later(before, 3200)
    at = before.index(b"tfdt") + 8
    assert struct.unpack_from(">Q", moved, at) == (4100,)
    assert moved[:at] == before[:at]
    assert moved[at + 8 :] == before[at + 8 :]
