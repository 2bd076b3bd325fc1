"""What the tus 1.0.0 protocol says in headers (https://tus.io/protocols/resumable-upload)."""

from __future__ import annotations

import base64
import binascii
from datetime import UTC
from email.utils import format_datetime
from typing import TYPE_CHECKING, Any

from starlette.datastructures import MutableHeaders

from meshkit.errors import FieldError, InvalidArgument, UnsupportedMedia
from services.gateway.bodies import INT64_MAX
from services.gateway.problems import PreconditionFailed
from services.gateway.receiving import Checksum
from services.gateway.upload_bodies import of_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reelmesh.upload.v1 import upload_pb2
    from starlette.datastructures import Headers
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

PREFIX = "/v1/tus"
VERSION = "1.0.0"
BODY = "application/offset+octet-stream"
ALGORITHMS = ("sha1", "sha256", "md5")
ABOUT = {
    "Tus-Version": VERSION,
    "Tus-Extension": "creation,creation-with-upload,termination,expiration,checksum",
    "Tus-Checksum-Algorithm": ",".join(ALGORITHMS),
}
_LABEL = "label."
_NAMES = {"filename": "file_name", "name": "file_name", "filetype": "content_type", "type": "content_type"}
"""What tus clients call them; the first that is there counts."""
_OURS = ("sha256", "preset", "job", "visibility", "passthrough")


class Tus:
    """Every answer under PREFIX says the version, and is nobody's to keep."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not str(scope.get("path", "")).startswith(PREFIX):
            await self._app(scope, receive, send)
            return

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers["Tus-Resumable"] = VERSION
                headers["Cache-Control"] = "no-store"
                if message["status"] == 412:
                    headers["Tus-Version"] = VERSION
            await send(message)

        await self._app(scope, receive, sending)


def check_version(headers: Headers) -> None:
    """Raises PreconditionFailed."""
    if headers.get("tus-resumable") != VERSION:
        raise PreconditionFailed("tus_version", f"Tus-Resumable must be {VERSION}")


def check_body(headers: Headers) -> None:
    """Raises UnsupportedMedia."""
    if headers.get("content-type") != BODY:
        raise UnsupportedMedia("unsupported_media_type", f"a body here is {BODY}")


def number(headers: Headers, name: str) -> int:
    """A header that must be there as a count of bytes. Raises InvalidArgument."""
    value = headers.get(name, "")
    if not (value.isascii() and value.isdecimal()) or len(value) > 19 or int(value) > INT64_MAX:
        raise _wrong(name, "must be a number of bytes")
    return int(value)


def checksum(headers: Headers) -> Checksum | None:
    """Raises InvalidArgument for one that cannot be checked."""
    if (given := headers.get("upload-checksum")) is None:
        return None
    algorithm, _, encoded = given.strip().partition(" ")
    if algorithm not in ALGORITHMS:
        raise _wrong("Upload-Checksum", f"the algorithm must be one of {', '.join(ALGORITHMS)}")
    return Checksum(algorithm, _decoded("Upload-Checksum", encoded))


def fields(metadata: str) -> dict[str, Any]:
    """Upload-Metadata as the fields of an upload; what we do not know is the client's own. Raises InvalidArgument."""
    pairs: dict[str, str] = {}
    for pair in filter(None, (each.strip() for each in metadata.split(","))):
        key, _, encoded = pair.partition(" ")
        if key in pairs:
            raise _wrong("Upload-Metadata", f"{key} is there twice")
        try:
            pairs[key] = _decoded("Upload-Metadata", encoded).decode()
        except UnicodeDecodeError:
            raise _wrong("Upload-Metadata", f"{key} is not UTF-8") from None
    return known(pairs)


def known(pairs: Mapping[str, Any]) -> dict[str, Any]:
    """What counts of a client's own words; also Uppy sends such. Raises InvalidArgument."""
    found: dict[str, Any] = {name: pairs[name] for name in _OURS if pairs.get(name)}
    for theirs, ours in _NAMES.items():
        if pairs.get(theirs):
            found.setdefault(ours, pairs[theirs])
    found["labels"] = {key.removeprefix(_LABEL): value for key, value in pairs.items() if key.startswith(_LABEL)}
    return of_text(found)


def told(upload: upload_pb2.Upload) -> dict[str, str]:
    """The headers that say where an upload stands."""
    expires = upload.expire_time.ToDatetime(UTC)
    headers = {"Upload-Offset": str(upload.received), "Upload-Expires": format_datetime(expires, usegmt=True)}
    return headers | {"Upload-Length": str(upload.size)}


def _decoded(name: str, encoded: str) -> bytes:
    try:
        return base64.b64decode(encoded.strip(), validate=True)
    except (binascii.Error, ValueError):
        raise _wrong(name, "is not Base64") from None


def _wrong(name: str, message: str) -> InvalidArgument:
    return InvalidArgument("invalid_argument", f"{name} {message}", fields=(FieldError(name, message),))
