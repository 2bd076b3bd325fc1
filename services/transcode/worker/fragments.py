"""Take a CMAF track apart while ffmpeg writes it: each segment is handed on as it closes, and none is ever a file."""

from __future__ import annotations

import asyncio
import os
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from services.transcode.media.cmaf import Cmaf, read_cmaf
from services.transcode.media.errors import WrongOutput

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Iterator
    from pathlib import Path

    from services.transcode.media.cmaf import Fragment

    Take = Callable[[Cmaf, bytes], Awaitable[None]]
    """Gets the track with one fragment, and that one's bytes."""

_LONGEST_BOX = 1 << 28
_BUFFER = 1 << 20


class Pipe:
    """A named pipe that ffmpeg takes for its output file."""

    def __init__(self, path: Path) -> None:
        os.mkfifo(path, 0o600)
        self._path = path
        self._reading = os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK), "rb", 0)
        # Held open: a pipe without a writer is at its end, and ffmpeg only opens it when it has something to say.
        self._held: int | None = os.open(path, os.O_WRONLY)

    def end(self) -> None:
        """No writer will come any more: the reader finds the end."""
        if self._held is not None:
            os.close(self._held)
            self._held = None

    def close(self) -> None:
        self.end()
        self._reading.close()

    async def take_apart(self, take: Take) -> Cmaf:
        """The track's init and fragments, after `take` had each of them. Raises WrongOutput."""
        reader = asyncio.StreamReader(limit=_BUFFER)
        transport, _ = await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader), self._reading
        )
        try:
            return await _taken_apart(reader, take)
        except asyncio.IncompleteReadError as error:
            raise WrongOutput(f"{self._path.name} ends inside a box") from error
        finally:
            transport.close()


@contextmanager
def pipes(paths: Iterable[Path]) -> Iterator[list[Pipe]]:
    made: list[Pipe] = []
    try:
        made.extend(Pipe(path) for path in paths)
        yield made
    finally:
        for pipe in made:
            pipe.close()


async def _taken_apart(reader: asyncio.StreamReader, take: Take) -> Cmaf:
    init, moof = b"", b""
    track: Cmaf | None = None
    fragments: list[Fragment] = []
    offset = 0
    while box := await _next_box(reader):
        kind = box[4:8]
        if track is None:
            init += box
            track = read_cmaf(init) if kind == b"moov" else None
        elif kind == b"mdat" and moof:
            (fragment,) = read_cmaf(init + moof + box).fragments
            fragments.append(replace(fragment, offset=offset - len(moof)))
            await take(replace(track, fragments=(fragments[-1],)), moof + box)
        moof = box if kind == b"moof" else b""
        offset += len(box)
    if track is None:
        raise WrongOutput("nothing was written")
    return replace(track, fragments=tuple(fragments))


async def _next_box(reader: asyncio.StreamReader) -> bytes:
    """A whole box, empty at the end. Raises IncompleteReadError."""
    try:
        head = await reader.readexactly(8)
    except asyncio.IncompleteReadError as error:
        if error.partial:
            raise
        return b""
    size = int.from_bytes(head[:4], "big")
    if size == 1:
        head += await reader.readexactly(8)
        size = int.from_bytes(head[8:], "big")
    if not len(head) <= size <= _LONGEST_BOX:
        raise WrongOutput(f"a box of {size} bytes")
    return head + await reader.readexactly(size - len(head))
