"""tus as a client speaks it, one request at a time, and one that is cut off."""

from __future__ import annotations

import asyncio
import base64
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import AsyncIterable

    import httpx2

    from meshkit.objects import Objects

VERSION = {"Tus-Resumable": "1.0.0"}
BODY = {**VERSION, "Content-Type": "application/offset+octet-stream"}


def metadata(**fields: str) -> str:
    return ",".join(f"{name} {base64.b64encode(value.encode()).decode()}" for name, value in fields.items())


async def created(http: httpx2.AsyncClient, size: int, **headers: str) -> str:
    """Its path."""
    answer = await http.post("/v1/tus", headers={**VERSION, "Upload-Length": str(size), **headers})
    assert answer.status_code == 201, answer.text
    return str(answer.headers["location"])


async def appended(
    http: httpx2.AsyncClient, path: str, offset: int, body: bytes | AsyncIterable[bytes], **headers: str
) -> httpx2.Response:
    return await http.patch(path, content=body, headers={**BODY, "Upload-Offset": str(offset), **headers})


async def offset_of(http: httpx2.AsyncClient, path: str) -> int:
    answer = await http.head(path, headers=VERSION)
    assert answer.status_code == 200, answer.headers
    return int(answer.headers["upload-offset"])


async def cut_off(url: str, path: str, offset: int, body: bytes, length: int, auth: dict[str, str]) -> None:
    """PATCH `length` bytes, but hang up after `body`."""
    at = urlsplit(url)
    _, writer = await asyncio.open_connection(at.hostname, at.port)
    headers = {**BODY, **auth, "Host": at.netloc, "Upload-Offset": str(offset), "Content-Length": str(length)}
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    writer.write(f"PATCH {path} HTTP/1.1\r\n{lines}\r\n".encode() + body)
    await writer.drain()
    writer.close()
    await writer.wait_closed()


async def stored(http: httpx2.AsyncClient, path: str, objects: Objects) -> tuple[dict[str, Any], bytes]:
    """The upload behind a tus path, and its object's bytes."""
    upload: dict[str, Any] = (await http.get(f"/v1/uploads/{path.rpartition('/')[2]}")).json()
    answer = await objects.open(f"assets/{upload['asset_id']}/source")
    return upload, await asyncio.to_thread(answer["Body"].read)
