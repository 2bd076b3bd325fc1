"""ISO base media boxes over bytes in memory (ISO/IEC 14496-12, section 4.2)."""

import mmap
import struct
from collections.abc import Iterator
from dataclasses import dataclass

Buffer = bytes | memoryview | mmap.mmap


@dataclass(frozen=True, slots=True)
class Box:
    """`start` and `end` are offsets in the file, `body` is where the content begins."""

    kind: str
    start: int
    body: int
    end: int


def children(data: Buffer, start: int, end: int) -> Iterator[Box]:
    """The boxes that lie side by side in data[start:end]. Raises ValueError where one does not fit."""
    while start < end:
        if end - start < 8:
            raise ValueError(f"{end - start} stray bytes at {start}")
        size, kind = struct.unpack_from(">I4s", data, start)
        body = start + 8
        if size == 1:
            (size,) = struct.unpack_from(">Q", data, body)
            body += 8
        elif size == 0:
            size = end - start
        if start + size > end or start + size < body:
            raise ValueError(f"box {kind!r} of {size} bytes at {start} does not fit")
        yield Box(kind.decode("latin-1"), start, body, start + size)
        start += size


def find(data: Buffer, box: Box, path: str, skip: int = 0) -> Box | None:
    """The first box at a "/"-separated path below `box`; `skip` bytes of fields come before the children of `box`."""
    kind, _, rest = path.partition("/")
    for child in children(data, box.body + skip, box.end):
        if child.kind == kind:
            return find(data, child, rest) if rest else child
    return None


def uint(data: Buffer, offset: int, size: int = 4) -> int:
    return int.from_bytes(data[offset : offset + size], "big")
