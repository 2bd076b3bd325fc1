"""What a header or an index claims, checked before a demuxer or decoder makes room for it."""

import struct
from typing import BinaryIO

from services.transcode.media.boxes import Box, children, find, uint
from services.transcode.media.errors import BadMedia
from services.transcode.media.limits import MAX_INDEX, MAX_PIXELS, MAX_SAMPLES, MAX_SECONDS, MAX_STREAMS

_HEAD = 16
# All of a JPEG's start of frame markers.
_FRAME_HEADERS = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
# Where width and height stand: in a PNG, in a GIF, and in an stsd box from its content's start.
_PNG_SIZE, _GIF_SIZE = 16, 6
_ENTRY_SIZE = 8 + 8 + 24


def check_claims(file: BinaryIO, size: int, family: str) -> None:
    """Raise BadMedia: `too_large`, `too_long` or `corrupt`. Moves `file`, which has `size` bytes."""
    if family == "png":
        file.seek(_PNG_SIZE)
        _check_picture(*struct.unpack(">II", file.read(8).ljust(8, b"\0")))
    if family == "jpeg":
        _check_picture(*_jpeg_size(file))
    if family == "gif":
        file.seek(_GIF_SIZE)
        _check_picture(*struct.unpack("<HH", file.read(4).ljust(4, b"\0")))
    if family not in ("mp4", "mov", "avif"):
        return
    for start, length in _top_boxes(file, size, b"moov"):
        if length > MAX_INDEX:
            raise BadMedia("too_large", f"an index of {length} bytes")
        file.seek(start)
        moov = file.read(length)
        try:
            _check_moov(moov, size)
        except (ValueError, IndexError, struct.error) as error:
            raise BadMedia("corrupt", f"the index cannot be read: {error}") from error


def _jpeg_size(file: BinaryIO) -> tuple[int, int]:
    """Width and height by the first frame header (ITU-T T.81, B.2.2), zeros where there is none."""
    file.seek(2)
    while len(head := file.read(4)) == 4 and head[0] == 0xFF:
        if head[1] in _FRAME_HEADERS:
            _, height, width = struct.unpack(">BHH", file.read(5).ljust(5, b"\0"))
            return width, height
        file.seek(max(int.from_bytes(head[2:], "big") - 2, 0), 1)
    return 0, 0


def _top_boxes(file: BinaryIO, size: int, wanted: bytes) -> list[tuple[int, int]]:
    """Where the first of these boxes lies, and how long it is."""
    at = 0
    while at + 8 <= size:
        file.seek(at)
        head = file.read(_HEAD)
        length = int.from_bytes(head[:4], "big")
        if length == 1:
            length = int.from_bytes(head[8:16], "big")
        if length == 0:
            length = size - at
        if head[4:8] == wanted:
            return [(at, length)]
        if length < 8:
            break
        at += length
    return []


def _check_moov(data: bytes, size: int) -> None:
    moov = next(children(data, 0, len(data)))
    mvhd = find(data, moov, "mvhd")
    if mvhd is not None:
        _check_duration(data, mvhd)
    tracks = [box for box in children(data, moov.body, moov.end) if box.kind == "trak"]
    if len(tracks) > MAX_STREAMS:
        raise BadMedia("too_large", f"{len(tracks)} streams are more than {MAX_STREAMS}")
    for track in tracks:
        if mdhd := find(data, track, "mdia/mdhd"):
            _check_duration(data, mdhd)
        if stbl := find(data, track, "mdia/minf/stbl"):
            hdlr = find(data, track, "mdia/hdlr")
            picture = hdlr is not None and data[hdlr.body + 8 : hdlr.body + 12] == b"vide"
            _check_samples(data, stbl, size, picture=picture)


def _check_picture(width: int, height: int) -> None:
    if width * height > MAX_PIXELS:
        raise BadMedia("too_large", f"{width}x{height} pixels are more than {MAX_PIXELS}")


def _check_duration(data: bytes, header: Box) -> None:
    wide = data[header.body] == 1
    timescale = uint(data, header.body + (20 if wide else 12))
    duration = uint(data, header.body + (24 if wide else 16), 8 if wide else 4)
    # All ones: not known.
    unknown = duration == (1 << (64 if wide else 32)) - 1
    if not unknown and timescale and duration / timescale > MAX_SECONDS:
        raise BadMedia("too_long", f"{duration // timescale} s are claimed, {MAX_SECONDS} s are the most")


def _check_samples(data: bytes, stbl: Box, size: int, *, picture: bool) -> None:
    tables = {box.kind: box for box in children(data, stbl.body, stbl.end)}
    if (stsd := tables.get("stsd")) and picture:
        _check_picture(*struct.unpack_from(">HH", data, stsd.body + _ENTRY_SIZE))
    if stsz := tables.get("stsz"):
        each, count = uint(data, stsz.body + 4), uint(data, stsz.body + 8)
        if each * count > size:
            raise BadMedia("corrupt", f"{count} samples of {each} bytes cannot lie in {size} bytes")
        # Of bare PCM every sample counts, and the demuxer takes them in chunks.
        if not each and count > MAX_SAMPLES:
            raise BadMedia("too_large", f"{count} samples are more than {MAX_SAMPLES}")
