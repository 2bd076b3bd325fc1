"""How far a file is, is said while it comes: also where it comes in one request, or is fetched."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from tests.eventually import eventually

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import httpx2

    from meshkit.nats import Bus

PART = 8 << 20
HEAD = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.mp4"\r\nContent-Type: video/mp4\r\n\r\n'
FORM = {"Content-Type": "multipart/form-data; boundary=x"}


class Slow:
    """A part and a little more, and then little by little until it was told of."""

    def __init__(self) -> None:
        self.told = asyncio.Event()
        self.size = 0

    async def __aiter__(self) -> AsyncIterator[bytes]:
        piece = bytes(PART + 1)
        while not self.told.is_set():
            self.size += len(piece)
            yield piece
            piece = b"x"
            with suppress(TimeoutError):
                async with asyncio.timeout(0.05):
                    await self.told.wait()

    async def follow(self, http: httpx2.AsyncClient, bus: Bus) -> None:
        """Until the newest upload was said to have its first part."""

        async def told() -> bool:
            [upload] = (await http.get("/v1/uploads")).json()["items"] or [{"id": "", "state": "", "received": 0}]
            subject = f"reelmesh.upload.v1.progressed.{upload['id']}"
            assert (upload["state"], upload["received"]) == ("receiving", PART)
            info = await bus.js.stream_info("UPLOAD", subjects_filter=subject)
            return subject in (info.state.subjects or {})

        try:
            await eventually(told, within=20)
        finally:
            self.told.set()


async def test_a_form_is_told_of_on_its_way(http: httpx2.AsyncClient, bus: Bus) -> None:
    slow = Slow()

    async def body() -> AsyncIterator[bytes]:
        yield HEAD
        async for piece in slow:
            yield piece
        yield b"\r\n--x--\r\n"

    answer, _ = await asyncio.gather(
        http.post("/v1/uploads/direct", content=body(), headers=FORM), slow.follow(http, bus)
    )
    assert (answer.status_code, answer.json()["size"]) == (201, slow.size)


async def test_what_is_fetched_is_told_of_on_its_way(http: httpx2.AsyncClient, bus: Bus) -> None:
    slow = Slow()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
        async for piece in slow:
            writer.write(piece)
            await writer.drain()
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/a.mp4"
        made = await http.post("/v1/uploads/from-url", json={"url": url})
        await slow.follow(http, bus)

        async def over() -> dict[str, Any] | None:
            upload: dict[str, Any] = (await http.get(made.headers["location"])).json()
            return upload if upload["state"] != "receiving" else None

        upload = await eventually(over)
    assert (upload and upload["state"], upload and upload["size"]) == ("completed", slow.size)
