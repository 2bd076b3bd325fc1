"""Move a segment in time: a few fields of its moof, and not one byte of its media.

ffmpeg writes CMAF video with negative composition offsets, so that presentation begins at the decode time. Browsers
read that as meant; ffmpeg's own demuxer, and players built on it, show every picture later by the deepest of these
offsets, and the sound no longer fits. So all pictures get the same delay, which leaves no offset negative, and the
sound gets it too.
"""

import struct

from services.transcode.media.boxes import Box, children, uint
from services.transcode.media.errors import WrongOutput

_CONTAINERS = ("moof", "traf")
# trun field flags, ISO/IEC 14496-12 section 8.8.8.
_DATA_OFFSET, _FIRST_FLAGS, _COMPOSITION = 0x1, 0x4, 0x800
_PER_SAMPLE = (0x100, 0x200, 0x400)


def decoded_later(segment: bytes, ticks: int) -> bytes:
    """The moof and mdat with their decode times `ticks` later (tfdt, section 8.8.12)."""
    moof = next(children(segment, 0, len(segment)))
    tfdt = next(box for box in _below(segment, moof) if box.kind == "tfdt")
    width = 8 if segment[tfdt.body] else 4
    at = tfdt.body + 4
    return segment[:at] + (uint(segment, at, width) + ticks).to_bytes(width, "big") + segment[at + width :]


def shown_later(segment: bytes, ticks: int) -> bytes:
    """The moof and mdat with every picture shown `ticks` later. Raises WrongOutput when that is not late enough."""
    moof = next(children(segment, 0, len(segment)))
    runs = [box for box in _below(segment, moof) if box.kind == "trun"]
    added = sum(4 * uint(segment, run.body + 4) for run in runs if not uint(segment, run.body + 1, 3) & _COMPOSITION)
    return _rebuilt(segment, moof, ticks, added) + segment[moof.end :]


def _below(data: bytes, box: Box) -> list[Box]:
    found = []
    for child in children(data, box.body, box.end):
        found += _below(data, child) if child.kind in _CONTAINERS else [child]
    return found


def _rebuilt(data: bytes, box: Box, ticks: int, added: int) -> bytes:
    if box.kind == "trun":
        body = _run(data, box, ticks, added)
    elif box.kind in _CONTAINERS:
        body = b"".join(_rebuilt(data, child, ticks, added) for child in children(data, box.body, box.end))
    else:
        return data[box.start : box.end]
    return struct.pack(">I4s", 8 + len(body), box.kind.encode()) + body


def _run(data: bytes, run: Box, ticks: int, added: int) -> bytes:
    """A trun of version 1, whose composition offsets are signed, with an offset for each sample."""
    flags, samples = uint(data, run.body + 1, 3), uint(data, run.body + 4)
    out = bytearray(struct.pack(">II", 1 << 24 | flags | _COMPOSITION, samples))
    at = run.body + 8
    if flags & _DATA_OFFSET:
        out += (uint(data, at) + added).to_bytes(4, "big")
        at += 4
    if flags & _FIRST_FLAGS:
        out += data[at : at + 4]
        at += 4
    fields = 4 * sum(bool(flags & each) for each in _PER_SAMPLE)
    for _ in range(samples):
        out += data[at : at + fields]
        at += fields
        offset = ticks
        if flags & _COMPOSITION:
            offset += struct.unpack_from(">i", data, at)[0]
            at += 4
        if offset < 0:
            raise WrongOutput(f"a picture would be shown {-offset} ticks before it is decoded")
        out += struct.pack(">i", offset)
    return bytes(out)
