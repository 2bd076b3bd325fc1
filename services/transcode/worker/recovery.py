"""How long an H.264 key frame takes to heal: with intra refresh the picture is whole only some frames later.

Such a key frame says so in a recovery point SEI message (ITU-T H.264, D.1.8).
"""

from collections.abc import Iterator

_START_CODE = b"\0\0\1"
_SLICE, _IDR, _SEI = 1, 5, 6
_RECOVERY_POINT = 6
_LONGEST_NUMBER = 16


def length_size(extradata: bytes | None) -> int:
    """How many bytes tell a unit's length, by the stream's avcC; 0 where start codes part the units."""
    return (extradata[4] & 3) + 1 if extradata and len(extradata) > 4 and extradata[0] == 1 else 0


def recovery_frames(packet: bytes, size_bytes: int) -> int:
    """After so many frames the pictures from this packet on are whole."""
    for unit in _measured(packet, size_bytes) if size_bytes else _parted(packet):
        kind = unit[0] & 31 if unit else 0
        if kind in (_SLICE, _IDR):
            break
        if kind == _SEI and (frames := _recovery_point(unit[1:])):
            return frames
    return 0


def _measured(packet: bytes, size_bytes: int) -> Iterator[bytes]:
    at = 0
    while at + size_bytes < len(packet):
        end = at + size_bytes + int.from_bytes(packet[at : at + size_bytes], "big")
        yield packet[at + size_bytes : end]
        at = end


def _parted(packet: bytes) -> Iterator[bytes]:
    at = packet.find(_START_CODE)
    while at >= 0:
        after = packet.find(_START_CODE, at + 3)
        yield packet[at + 3 : after if after >= 0 else len(packet)]
        at = after


def _recovery_point(messages: bytes) -> int:
    """Of the SEI messages of one unit; 0 where none is a recovery point."""
    at = 0
    while at + 2 < len(messages):
        kind, at = _long_byte(messages, at)
        size, at = _long_byte(messages, at)
        if kind == _RECOVERY_POINT:
            return _exp_golomb(messages[at : at + size])
        at += size
    return 0


def _long_byte(data: bytes, at: int) -> tuple[int, int]:
    value = 0
    while at < len(data) and data[at] == 255:
        value, at = value + 255, at + 1
    return value + (data[at] if at < len(data) else 0), at + 1


def _exp_golomb(data: bytes) -> int:
    bits = "".join(f"{byte:08b}" for byte in data[:8])
    zeros = len(bits) - len(bits.lstrip("0"))
    return int(bits[zeros : 2 * zeros + 1], 2) - 1 if zeros <= _LONGEST_NUMBER and len(bits) > 2 * zeros else 0
