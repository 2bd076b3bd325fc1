"""A file as the parts of an upload, read in constant memory."""

import mimetypes
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from reelmesh_client.errors import ChangedError
from reelmesh_client.models import ReceivedPart, Upload

BLOCK = 256 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """Part `number` of a file: `size` bytes from `offset`."""

    number: int
    offset: int
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A file as it was when its upload began."""

    path: Path
    size: int
    modified: int

    @property
    def content_type(self) -> str:
        return mimetypes.guess_type(self.path.name)[0] or ""

    def unchanged(self) -> None:
        """Raises ChangedError when somebody wrote to the file meanwhile."""
        if source_at(self.path) != self:
            raise ChangedError(f"{self.path} changed while it was sent")

    def blocks(self, piece: Piece) -> Iterator[bytes]:
        """Raises ChangedError when the file has become too short."""
        left = piece.size
        with self.path.open("rb") as file:
            file.seek(piece.offset)
            while left:
                block = file.read(min(BLOCK, left))
                if not block:
                    raise ChangedError(f"{self.path} became shorter while it was sent")
                left -= len(block)
                yield block


def source_at(path: Path) -> Source:
    status = path.stat()
    return Source(path=path, size=status.st_size, modified=status.st_mtime_ns)


def pieces(upload: Upload) -> list[Piece]:
    """All parts of the upload. An empty file is one empty part."""
    starts = range(0, max(1, upload.size), max(1, upload.part_size))
    return [
        Piece(number=number, offset=start, size=min(upload.part_size, upload.size - start))
        for number, start in enumerate(starts, start=1)
    ]


def missing(wanted: list[Piece], received: list[ReceivedPart]) -> list[Piece]:
    """The pieces that the store does not have in their full size."""
    there = {(part.part_number, part.size) for part in received}
    return [piece for piece in wanted if (piece.number, piece.size) not in there]
