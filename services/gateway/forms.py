"""multipart/form-data as it comes in: fields, and one file that is never held whole (RFC 7578)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from python_multipart.exceptions import MultipartParseError
from python_multipart.multipart import MultipartParser, parse_options_header

from meshkit.errors import FieldError, InvalidArgument, TooLarge, UnsupportedMedia

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

FIELD_LIMIT = 64 << 10
"""Bytes of all fields but the file, together."""


@dataclass(slots=True)
class _Part:
    name: str
    file_name: str | None
    content_type: str
    body: bytearray = field(default_factory=bytearray)


class Form:
    """Reads a body up to its file and, by `file`, on from there; fields that stand behind it are there at its end."""

    def __init__(self, content_type: str, body: AsyncIterator[bytes]) -> None:
        """Raises UnsupportedMedia for what is no form."""
        kind, options = parse_options_header(content_type)
        if kind != b"multipart/form-data" or not options.get(b"boundary"):
            raise UnsupportedMedia("unsupported_media_type", "a body here is multipart/form-data")
        self._body = body
        self._parser = MultipartParser(
            options[b"boundary"],
            {
                "on_part_begin": self._begin,
                "on_header_begin": self._header,
                "on_header_field": lambda data, start, end: self._named.extend(data[start:end]),
                "on_header_value": lambda data, start, end: self._valued.extend(data[start:end]),
                "on_header_end": self._headed,
                "on_headers_finished": self._opened,
                "on_part_data": self._data,
                "on_part_end": self._close,
                "on_end": self._finish,
            },
        )
        self._headers: dict[str, str] = {}
        self._named, self._valued = bytearray(), bytearray()
        self._part: _Part | None = None
        self._ready: list[bytes] = []
        self._held = 0
        self._over = False
        self.fields: dict[str, str] = {}
        self.file_name: str | None = None
        self.content_type = ""
        self.has_file = False

    async def begin(self) -> None:
        """Until the file's first byte. Raises InvalidArgument for a form without a file."""
        while not self.has_file and await self._more():
            pass
        if not self.has_file:
            raise InvalidArgument(
                "invalid_argument", "the form has no file", fields=(FieldError("file", "is missing"),)
            )

    async def file(self) -> AsyncIterator[bytes]:
        """The file's bytes; after the last one the form was read to its end."""
        while True:
            ready, self._ready = self._ready, []
            for chunk in ready:
                yield chunk
            if not self._ready and not await self._more():
                return

    async def _more(self) -> bool:
        """Whether there was more of the body. Raises InvalidArgument when the form does not end as it should."""
        try:
            chunk = await anext(self._body, None)
            if chunk is None:
                self._parser.finalize()
                if not self._over:
                    raise _wrong("the form ends too early")
                return False
            self._parser.write(chunk)
        except MultipartParseError:
            raise _wrong("the body is not a form of its boundary") from None
        return True

    def _begin(self) -> None:
        self._headers = {}

    def _header(self) -> None:
        self._named, self._valued = bytearray(), bytearray()

    def _headed(self) -> None:
        self._headers[self._named.decode("latin-1").lower()] = self._valued.decode("utf-8", "replace")

    def _opened(self) -> None:
        _, options = parse_options_header(self._headers.get("content-disposition", "").encode())
        name = options.get(b"name", b"").decode("utf-8", "replace")
        file_name = options.get(b"filename")
        self._part = _Part(
            name=name,
            file_name=None if file_name is None else file_name.decode("utf-8", "replace"),
            content_type=self._headers.get("content-type", ""),
        )
        if name != "file":
            return
        if self.has_file:
            raise _wrong("there is more than one file", "file")
        self.has_file = True
        self.file_name, self.content_type = self._part.file_name, self._part.content_type

    def _data(self, data: bytes, start: int, end: int) -> None:
        assert self._part is not None
        if self._part.name == "file":
            self._ready.append(data[start:end])
            return
        self._held += end - start
        if self._held > FIELD_LIMIT:
            raise TooLarge("too_large", f"the fields of a form may have {FIELD_LIMIT} bytes", limit=FIELD_LIMIT)
        self._part.body += data[start:end]

    def _close(self) -> None:
        assert self._part is not None
        part = self._part
        if part.name == "file":
            return
        if part.name in self.fields or not part.name:
            raise _wrong("a field has no name, or one that was there before", part.name)
        try:
            self.fields[part.name] = part.body.decode()
        except UnicodeDecodeError:
            raise _wrong("is not UTF-8", part.name) from None

    def _finish(self) -> None:
        self._over = True


def _wrong(message: str, name: str = "") -> InvalidArgument:
    return InvalidArgument("invalid_argument", message, fields=(FieldError(name, message),))
