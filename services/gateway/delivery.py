"""Objects straight through the gateway, in constant memory: RFC 9110 ranges and validators."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fastapi.responses import Response, StreamingResponse

from meshkit.errors import MeshError, NotFound
from services.gateway.problems import RangeNotSatisfiable
from services.gateway.problems import response as problem

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.datastructures import Headers

    from meshkit.objects import Objects

CHUNK = 256 << 10
"""Bytes that one answer holds in memory at a time."""
_ONE_RANGE = re.compile(r"bytes=(\d+-\d*|-\d+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """How an object is given out."""

    key: str
    media_type: str
    cache_control: str

    def headers(self, etag: str, length: int) -> dict[str, str]:
        return {
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
    """The object or the one range asked for; several at once are answered with all of it."""
    byte_range = asked.get("range", "")
    wanted = byte_range if _ONE_RANGE.fullmatch(byte_range) else ""
    condition = asked.get("if-range", "")
    if wanted and condition and condition != f'"{(await _found(objects.head(delivery.key))).etag}"':
        wanted = ""
    try:
        answer = await _found(objects.open(delivery.key, wanted or None))
    except MeshError as error:
        if error.reason != "range_not_satisfiable":
            raise
        return await _outside(objects, delivery.key)
    headers = delivery.headers(answer["ETag"], answer["ContentLength"])
    if matches(asked.get("if-none-match", ""), answer["ETag"]):
        answer["Body"].close()
        return _unchanged(headers)
    if wanted and answer.get("ContentRange"):
        headers["Content-Range"] = answer["ContentRange"]
        return StreamingResponse(_chunks(answer["Body"]), 206, headers)
    return StreamingResponse(_chunks(answer["Body"]), 200, headers)


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


async def _outside(objects: Objects, key: str) -> Response:
    size = (await _found(objects.head(key))).size
    refusal = problem(RangeNotSatisfiable("range_not_satisfiable", f"the object has {size} bytes"))
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
