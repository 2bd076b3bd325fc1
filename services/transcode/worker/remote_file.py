"""A source on loopback as a file: for programs in the sandbox."""

import io
from http.client import HTTPConnection
from urllib.parse import urlsplit


class RemoteFile(io.RawIOBase):
    """Reads over one connection, each time no more than is asked for. Raises OSError where the source cannot be had."""

    def __init__(self, url: str, size: int) -> None:
        at = urlsplit(url)
        assert at.hostname is not None
        self._connection = HTTPConnection(at.hostname, at.port)
        self._path = at.path
        self._size = size
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        origin = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        self._at = max(0, origin + offset)
        return self._at

    def tell(self) -> int:
        return self._at

    def readinto(self, buffer: "memoryview") -> int:  # type: ignore[override]  # any buffer will do; io gives this one
        end = min(self._at + len(buffer), self._size)
        if self._at >= end:
            return 0
        body = self._ranged(self._at, end)
        buffer[: len(body)] = body
        self._at += len(body)
        return len(body)

    def _ranged(self, start: int, end: int) -> bytes:
        self._connection.request("GET", self._path, headers={"Range": f"bytes={start}-{end - 1}"})
        answer = self._connection.getresponse()
        body = answer.read()
        if answer.status != 206 or len(body) != end - start:
            raise OSError(f"{len(body)} bytes of {end - start} came, status {answer.status}")
        return body
