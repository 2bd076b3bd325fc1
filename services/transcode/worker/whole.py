"""Whether a file ends before its own container says so, read from the container's outermost sizes."""

import struct
from typing import BinaryIO

from services.transcode.media.errors import BadMedia

# Boxes that hold the media or its index: one of these cut short means lost pictures; a cut `free` means nothing.
_ESSENTIAL_BOXES = (b"moov", b"mdat", b"moof")
_EBML_SEGMENT = 0x18538067
# Sizes that writers leave when they could not go back: an unfinished recording, but perhaps a whole one.
_UNKNOWN_RIFF_SIZES = (0, 0xFFFFFFFF)


def check_whole(file: BinaryIO, size: int, family: str) -> None:
    """Raise BadMedia (`corrupt`) for a file that was cut short. Moves `file`, which has `size` bytes."""
    file.seek(0)
    if family in ("mp4", "mov", "avif"):
        _check_boxes(file, size)
    elif family in ("matroska", "webm"):
        _check_segment(file, size)
    elif family in ("avi", "wav", "webp"):
        _check_riff(file, size)


def _check_boxes(file: BinaryIO, size: int) -> None:
    at, seen = 0, set()
    while at + 8 <= size:
        file.seek(at)
        length, kind = struct.unpack(">I4s", file.read(8))
        if length == 1:
            length = int.from_bytes(file.read(8), "big")
        elif length == 0:
            length = size - at
        if length < 8 or (at + length > size and kind not in _ESSENTIAL_BOXES):
            break
        if at + length > size:
            raise _cut_short(f"its {kind.decode('latin-1')} box should end at byte {at + length}", size)
        seen.add(kind)
        at += length
    if b"moov" not in seen:
        raise BadMedia("corrupt", "there is no moov box: the recording was never finished or the upload was cut short")


def _check_segment(file: BinaryIO, size: int) -> None:
    """EBML (RFC 8794): header element, then one Segment that holds everything."""
    _read_vint(file, keep_marker=True)
    header, _ = _read_vint(file, keep_marker=False)
    file.seek(header, 1)
    element, _ = _read_vint(file, keep_marker=True)
    length, unknown = _read_vint(file, keep_marker=False)
    if element == _EBML_SEGMENT and not unknown and file.tell() + length > size:
        raise _cut_short(f"its segment should end at byte {file.tell() + length}", size)


def _read_vint(file: BinaryIO, *, keep_marker: bool) -> tuple[int, bool]:
    """A variable size integer, and whether all its bits are set, which as a size means unknown."""
    first = file.read(1)[:1] or b"\x80"
    length = 9 - first[0].bit_length()
    value = int.from_bytes(first + file.read(length - 1), "big")
    mask = (1 << 7 * length) - 1
    return (value if keep_marker else value & mask), value & mask == mask


def _check_riff(file: BinaryIO, size: int) -> None:
    file.seek(4)
    length = int.from_bytes(file.read(4), "little")
    if length not in _UNKNOWN_RIFF_SIZES and 8 + length > size:
        raise _cut_short(f"its RIFF should end at byte {8 + length}", size)


def _cut_short(claim: str, size: int) -> BadMedia:
    return BadMedia("corrupt", f"cut short: {claim}, the file has {size} bytes")
