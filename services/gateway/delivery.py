"""Objects straight through the gateway, in constant memory: RFC 9110 ranges and validators."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fastapi.responses import Response, StreamingResponse

from meshkit.disposition import inline
from meshkit.errors import MeshError, NotFound
from services.gateway.problems import RangeNotSatisfiable
from services.gateway.problems import response as problem

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.datastructures import Headers

    from meshkit.objects import Objects

CHUNK = 256 << 10
"""Bytes that one answer holds in memory at a time."""
_ONE_RANGE = re.compile(r"bytes=\s*(?:(\d+)-(\d*)|-(\d+))\s*", re.IGNORECASE)
_SEVERAL = re.compile(r"bytes=[\d\s,-]*,[\d\s,-]*", re.IGNORECASE)
_FAR = 10**18
"""Beyond any object; stores may not count further."""
_SEALED = "default-src 'none'; img-src 'self'; media-src 'self'; style-src 'unsafe-inline'; sandbox"


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """How an object is given out."""

    key: str
    media_type: str
    cache_control: str
    file_name: str = ""
    """Of what a user brought: whatever it is, a browser runs nothing of it."""

    def headers(self, etag: str, length: int) -> dict[str, str]:
        named = {"Content-Disposition": inline(self.file_name), "Content-Security-Policy": _SEALED}
        return (named if self.file_name else {}) | {
            "Content-Type": self.media_type,
            "Content-Length": str(length),
            "Cache-Control": self.cache_control,
            "ETag": etag,
            "Accept-Ranges": "bytes",
            "X-Content-Type-Options": "nosniff",
        }


async def head(objects: Objects, delivery: Delivery, asked: Headers) -> Response:
    info = await _found(objects.head(delivery.key))
    headers = delivery.headers(f'"{info.etag}"', info.size)
    if matches(asked.get("if-none-match", ""), info.etag):
        return _unchanged(headers)
    return Response(headers=headers)


async def get(objects: Objects, delivery: Delivery, asked: Headers) -> Response:
    """The object or the one range asked for. Several ranges at once are refused, what is no range is passed over."""
    byte_range = asked.get("range", "")
    wanted, several = one_range(byte_range), bool(_SEVERAL.fullmatch(byte_range))
    condition = asked.get("if-range", "")
    if (wanted or several) and condition and condition != f'"{(await _found(objects.head(delivery.key))).etag}"':
        wanted, several = "", False
    if several:
        return await _outside(objects, delivery.key, "multiple_ranges", "one range at a time")
    try:
        answer = await _found(objects.open(delivery.key, wanted or None))
    except MeshError as error:
        if error.reason != "range_not_satisfiable":
            raise
        return await _outside(objects, delivery.key, error.reason, "")
    headers = delivery.headers(answer["ETag"], answer["ContentLength"])
    if matches(asked.get("if-none-match", ""), answer["ETag"]):
        answer["Body"].close()
        return _unchanged(headers)
    if wanted and answer.get("ContentRange"):
        headers["Content-Range"] = answer["ContentRange"]
        return StreamingResponse(_chunks(answer["Body"]), 206, headers)
    return StreamingResponse(_chunks(answer["Body"]), 200, headers)


def one_range(asked: str) -> str:
    """The range as a store takes it; empty where it is none, or not one (RFC 9110 section 14.1.2)."""
    found = _ONE_RANGE.fullmatch(asked)
    if not found:
        return ""
    start, end, last = (min(int(each), _FAR) if each else None for each in found.groups())
    if start is None:
        return f"bytes=-{last}"
    if end is None:
        return f"bytes={start}-"
    return f"bytes={start}-{end}" if start <= end else ""


def matches(condition: str, etag: str) -> bool:
    """Whether If-None-Match names `etag`, by weak comparison (RFC 9110 section 13.1.2)."""
    named = {each.strip().removeprefix("W/").strip('"') for each in condition.split(",")} - {""}
    return "*" in named or etag.strip('"') in named


async def _found(asking: Any) -> Any:
    """The store's answer; a player learns of no more than that there is nothing."""
    try:
        return await asking
    except NotFound:
        raise NotFound("not_found", "no such resource") from None


async def _outside(objects: Objects, key: str, reason: str, message: str) -> Response:
    size = (await _found(objects.head(key))).size
    refusal = problem(RangeNotSatisfiable(reason, message or f"the object has {size} bytes"))
    refusal.headers["Content-Range"] = f"bytes */{size}"
    return refusal


def _unchanged(headers: dict[str, str]) -> Response:
    return Response(status_code=304, headers={name: headers[name] for name in ("ETag", "Cache-Control")})


async def _chunks(body: Any) -> AsyncIterator[bytes]:
    try:
        while chunk := await asyncio.to_thread(body.read, CHUNK):
            yield chunk
    finally:
        body.close()
