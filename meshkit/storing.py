"""Bytes on their way through us into the object store: held in memory as they came, and sent on from there."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import httpx2
import stamina

from meshkit.errors import MeshError, NotFound, Unavailable
from meshkit.objects import moved
from meshkit.signing import Signer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from meshkit.settings import S3Settings

_SIGNED_FOR = 900
_ATTEMPTS = 4
_SENT_AT_ONCE = 256 << 10
_TIMEOUT = httpx2.Timeout(60.0, connect=5.0, pool=None)


class Storing:
    """Calls raise NotFound, or Unavailable (`objects_unavailable`) after several attempts."""

    def __init__(self, http: httpx2.AsyncClient, signer: Signer) -> None:
        self._http = http
        self._signer = signer

    async def put_part(self, key: str, multipart_id: str, number: int, chunks: Sequence[bytes]) -> None:
        await self._put(key, chunks, {"partNumber": str(number), "uploadId": multipart_id})

    async def put(self, key: str, chunks: Sequence[bytes]) -> None:
        await self._put(key, chunks, {})

    async def get(self, key: str) -> bytes:
        content = (await self._ask("GET", key, {}, ())).content
        moved("read", key, len(content))
        return content

    async def _put(self, key: str, chunks: Sequence[bytes], query: dict[str, str]) -> None:
        await self._ask("PUT", key, query, chunks)
        moved("write", key, sum(map(len, chunks)))

    async def _ask(self, method: str, key: str, query: dict[str, str], chunks: Sequence[bytes]) -> httpx2.Response:
        async for attempt in stamina.retry_context(on=Unavailable, attempts=_ATTEMPTS, wait_initial=0.1):
            with attempt:
                return await self._once(method, self._signer.url(method, key, _SIGNED_FOR, query=query), chunks)
        raise AssertionError("the last attempt returns or raises")

    async def _once(self, method: str, url: str, chunks: Sequence[bytes]) -> httpx2.Response:
        body: dict[str, object] = {}
        if method == "PUT":
            body = {"content": _each(chunks), "headers": {"Content-Length": str(sum(map(len, chunks)))}}
        try:
            answer = await self._http.request(method, url, **body)  # type: ignore[arg-type]
        except httpx2.TransportError as error:
            raise Unavailable("objects_unavailable", repr(error)) from error
        if answer.status_code == 404:
            raise NotFound("object_not_found", "the object store does not have it")
        if answer.status_code >= 500:
            raise Unavailable("objects_unavailable", f"the object store answered {answer.status_code}")
        if answer.is_error:
            raise MeshError("objects_refused", f"{answer.status_code}: {answer.text[:200]}")
        return answer


@asynccontextmanager
async def storing(settings: S3Settings) -> AsyncIterator[Storing]:
    async with httpx2.AsyncClient(timeout=_TIMEOUT, limits=httpx2.Limits(max_connections=64), trust_env=False) as http:
        yield Storing(http, Signer(settings, settings.s3_endpoint_url))


async def _each(chunks: Sequence[bytes]) -> AsyncIterator[bytes]:
    """In pieces of about _SENT_AT_ONCE: what each one costs on its way down to the socket is more than the copy."""
    piece: list[bytes] = []
    size = 0
    for chunk in chunks:
        piece.append(chunk)
        size += len(chunk)
        if size >= _SENT_AT_ONCE:
            yield piece[0] if len(piece) == 1 else b"".join(piece)
            piece, size = [], 0
    yield b"".join(piece)
