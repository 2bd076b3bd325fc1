"""Open a source for PyAV, so that nothing but itself is read. For programs in the sandbox."""

import io
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import av

from services.transcode.media.families import FAMILIES
from services.transcode.media.limits import MAX_PIXELS, MAX_STREAMS
from services.transcode.worker.remote_file import RemoteFile

if TYPE_CHECKING:
    from av.container import InputContainer

READ_SIZE = 1 << 17


def opened(source: str, size: int) -> BinaryIO:
    """By path, or by URL on loopback."""
    if not source.startswith("http:"):
        return Path(source).open("rb")
    # A small buffer: it is for the headers, and larger reads pass it by.
    return io.BufferedReader(RemoteFile(source, size), 4096)


def demuxing(file: BinaryIO, family: str, *, read_size: int = READ_SIZE) -> "InputContainer":
    """The container, to be closed by the caller. Raises what PyAV does."""
    return av.open(
        file,
        mode="r",
        format=FAMILIES[family].demuxer,
        buffer_size=read_size,
        options={"max_pixels": str(MAX_PIXELS)},
        # Titles in whatever encoding.
        metadata_errors="replace",
        # No protocol at all: what the file names is not opened.
        container_options={
            "protocol_whitelist": "",
            "format_whitelist": FAMILIES[family].demuxer,
            "max_streams": str(MAX_STREAMS + 1),
        },
    )
