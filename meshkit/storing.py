"""Bytes on their way through us into the object store: held in memory as they came, and sent on from there."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import aiohttp
import stamina
from yarl import URL

from meshkit.errors import MeshError, NotFound, Unavailable
from meshkit.objects import moved
from meshkit.signing import Signer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence

    from meshkit.settings import S3Settings

_SIGNED_FOR = 900
_ATTEMPTS = 4
_SENT_AT_ONCE = 64 << 10
_TIMEOUT = aiohttp.ClientTimeout(total=120.0, sock_connect=5.0, sock_read=60.0)


class Storing:
    """Calls raise NotFound, or Unavailable (`objects_unavailable`) after several attempts."""

    def __init__(self, http: aiohttp.ClientSession, signer: Signer) -> None:
        self._http = http
        self._signer = signer

    async def begin_multipart(self, key: str, content_type: str) -> str:
        """The multipart's id."""
        answer = await self._ask("POST", key, {"uploads": ""}, headers={"Content-Type": content_type})
        return str(ET.fromstring(answer).findtext("{*}UploadId"))

    async def put_part(self, key: str, multipart_id: str, number: int, chunks: Sequence[bytes]) -> None:
        await self._put(key, chunks, {"partNumber": str(number), "uploadId": multipart_id})

    async def put(self, key: str, chunks: Sequence[bytes]) -> None:
        await self._put(key, chunks, {})

    async def get(self, key: str) -> bytes:
        content = await self._ask("GET", key, {})
        moved("read", key, len(content))
        return content

    async def _put(self, key: str, chunks: Sequence[bytes], query: dict[str, str]) -> None:
        await self._ask("PUT", key, query, chunks, {"Content-Length": str(sum(map(len, chunks)))})
        moved("write", key, sum(map(len, chunks)))

    async def _ask(
        self,
        method: str,
        key: str,
        query: dict[str, str],
        chunks: Sequence[bytes] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> bytes:
        """The body of a good answer."""
        async for attempt in stamina.retry_context(on=Unavailable, attempts=_ATTEMPTS, wait_initial=0.1):
            with attempt:
                url = URL(self._signer.url(method, key, _SIGNED_FOR, query=query), encoded=True)
                return await self._once(method, url, data=None if chunks is None else _each(chunks), headers=headers)
        raise AssertionError("the last attempt returns or raises")

    async def _once(self, method: str, url: URL, **request: Any) -> bytes:
        try:
            async with self._http.request(method, url, allow_redirects=False, **request) as answer:
                status, content = answer.status, await answer.read()
        except (aiohttp.ClientError, TimeoutError) as error:
            raise Unavailable("objects_unavailable", repr(error)) from error
        if status == 404:
            raise NotFound("object_not_found", "the object store does not have it")
        if status >= 500:
            raise Unavailable("objects_unavailable", f"the object store answered {status}")
        if status >= 300:
            raise MeshError("objects_refused", f"{status}: {content[:200]!r}")
        return content


@asynccontextmanager
async def storing(settings: S3Settings) -> AsyncIterator[Storing]:
    # Each part is sent as it came in, without a copy (ADR 95).
    async with aiohttp.ClientSession(
        timeout=_TIMEOUT,
        connector=aiohttp.TCPConnector(limit=0),
        cookie_jar=aiohttp.DummyCookieJar(),
        headers={"Accept-Encoding": "identity"},
    ) as http:
        yield Storing(http, Signer(settings, settings.s3_endpoint_url))


async def _each(chunks: Sequence[bytes]) -> AsyncIterator[bytes]:
    """In pieces of _SENT_AT_ONCE at least: what each one costs on its way to the socket is more than to copy less."""
    piece: list[bytes] = []
    size = 0
    for chunk in chunks:
        piece.append(chunk)
        size += len(chunk)
        if size >= _SENT_AT_ONCE:
            yield piece[0] if len(piece) == 1 else b"".join(piece)
            piece, size = [], 0
    yield b"".join(piece)
