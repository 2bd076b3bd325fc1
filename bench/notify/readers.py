"""Many readers of the live feed, as cheap as they can be: a socket and a loop each."""

from __future__ import annotations

import asyncio
import json
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

OPENED_AT_ONCE = 25


@asynccontextmanager
async def reading(url: str, api_key: str, queries: Sequence[str]) -> AsyncIterator[list[tuple[str, float]]]:
    """What they hear, and when (monotonic), once all of them are connected."""
    heard: list[tuple[str, float]] = []
    gate = asyncio.Semaphore(OPENED_AT_ONCE)
    ready = [asyncio.Event() for _ in queries]
    tasks = [
        asyncio.create_task(_read(url, api_key, query, gate, begun, heard))
        for query, begun in zip(queries, ready, strict=True)
    ]
    try:
        await asyncio.gather(*[begun.wait() for begun in ready])
        yield heard
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _read(
    url: str, api_key: str, query: str, gate: asyncio.Semaphore, begun: asyncio.Event, heard: list[tuple[str, float]]
) -> None:
    at = urlsplit(url)
    async with gate:
        reader, writer = await asyncio.open_connection(at.hostname, at.port)
        lines = [f"GET /v1/events?{query} HTTP/1.1", f"Host: {at.netloc}", f"Authorization: Bearer {api_key}", "", ""]
        writer.write("\r\n".join(lines).encode())
        await reader.readuntil(b"retry:")
        begun.set()
    try:
        while line := await reader.readline():
            if line.startswith(b"data: "):
                heard.append((json.loads(line[6:])["data"]["passthrough"], time.monotonic()))
    finally:
        writer.close()
