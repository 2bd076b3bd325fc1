"""Media files made or bent by hand, box by box."""

import struct
import zlib
from pathlib import Path

from services.transcode.media.boxes import Box, children


def box(kind: bytes, *content: bytes) -> bytes:
    body = b"".join(content)
    return struct.pack(">I4s", 8 + len(body), kind) + body


def rebuilt(data: bytes, path: str, new: bytes) -> bytes:
    """The file with the box at a "/"-separated path replaced, and every box around it resized."""
    start, end = 0, len(data)
    around: list[Box] = []
    for kind in path.split("/"):
        found = next(each for each in children(data, start, end) if each.kind == kind)
        around.append(found)
        start, end = found.body, found.end
    target = around.pop()
    out = bytearray(data[: target.start] + new + data[target.end :])
    for each in around:
        struct.pack_into(">I", out, each.start, each.end - each.start + len(new) - (target.end - target.start))
    return bytes(out)


def body_of(data: bytes, path: str) -> bytes:
    start, end = 0, len(data)
    for kind in path.split("/"):
        found = next(each for each in children(data, start, end) if each.kind == kind)
        start, end = found.body, found.end
    return data[start:end]


def with_reference(data: bytes, entry: bytes) -> bytes:
    """An mp4 whose first track says that its samples lie elsewhere."""
    dref = box(b"dref", struct.pack(">II", 0, 1), entry)
    return rebuilt(data, "moov/trak/mdia/minf/dinf/dref", dref)


def url_entry(url: str) -> bytes:
    return box(b"url ", struct.pack(">I", 0), url.encode() + b"\0")


def alias_entry(path: Path) -> bytes:
    """A Macintosh alias record, as QuickTime writes it."""
    name = path.name.encode()
    record = bytes(10) + bytes([1]) + b"v".ljust(27, b"\0") + bytes(12)
    record += bytes([len(name)]) + name.ljust(63, b"\0") + bytes(16) + struct.pack(">HH", 1, 1) + bytes(16)
    full = bytes(path)
    record += struct.pack(">HH", 2, len(full)) + full + bytes(len(full) % 2) + struct.pack(">HH", 0xFFFF, 0)
    return box(b"alis", struct.pack(">I", 0), record)


def png(width: int, height: int) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    parts = [(b"IHDR", header), (b"IDAT", zlib.compress(bytes(1 << 20), 9)), (b"IEND", b"")]
    body = b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in parts
    )
    return b"\x89PNG\r\n\x1a\n" + body


def webp(width: int, height: int) -> bytes:
    """Lossless, and cut off after its header."""
    size = (width - 1) | (height - 1) << 14
    chunk = b"\x2f" + struct.pack("<I", size) + bytes(64)
    body = b"WEBPVP8L" + struct.pack("<I", len(chunk)) + chunk
    return b"RIFF" + struct.pack("<I", len(body)) + body + bytes(len(chunk) % 2)


def element(identity: str, body: bytes) -> bytes:
    return bytes.fromhex(identity) + (len(body) | 1 << 56).to_bytes(8, "big") + body


def matroska(tracks: int) -> bytes:
    head = element("1A45DFA3", element("4282", b"matroska"))
    entries = b"".join(
        element("AE", element("D7", number.to_bytes(2, "big")) + element("73C5", number.to_bytes(2, "big")) + _VIDEO)
        for number in range(1, tracks + 1)
    )
    return head + element("18538067", element("1654AE6B", entries) + element("1F43B675", element("E7", b"\0")))


_VIDEO = (
    element("83", b"\x01")
    + element("86", b"V_MPEG4/ISO/ASP")
    + element("E0", element("B0", b"\x40") + element("BA", b"\x40"))
)


def transport_stream(programs: int) -> bytes:
    """Packets that announce thirty streams for each program, and carry none."""
    pmts = [(number + 1, 0x100 + number) for number in range(programs)]
    pat = _section(0x00, 1, b"".join(struct.pack(">HH", number, 0xE000 | pid) for number, pid in pmts))
    packets = _packets(0, pat)
    for number, pid in pmts:
        streams = range(0x400 + number * 30, 0x400 + (number + 1) * 30)
        entries = b"".join(struct.pack(">BHH", 0x1B, 0xE000 | each & 0x1FFF, 0xF000) for each in streams)
        packets += _packets(pid, _section(0x02, number, struct.pack(">HH", 0xFFFF, 0xF000) + entries))
    return packets * 3


def _section(table: int, number: int, body: bytes) -> bytes:
    length = len(body) + 9
    section = struct.pack(">BHHBBB", table, 0xB000 | length, number, 0xC1, 0, 0) + body
    return section + struct.pack(">I", _crc(section))


def _packets(pid: int, section: bytes) -> bytes:
    out, rest, first = b"", b"\0" + section, True
    counter = 0
    while rest:
        part, rest = rest[:184], rest[184:]
        head = struct.pack(">BHB", 0x47, (0x4000 if first else 0) | pid, 0x10 | counter & 15)
        out += head + part.ljust(184, b"\xff")
        first, counter = False, counter + 1
    return out


def _crc(data: bytes) -> int:
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte << 24
        for _ in range(8):
            crc = (crc << 1 ^ 0x04C11DB7 if crc & 0x80000000 else crc << 1) & 0xFFFFFFFF
    return crc
