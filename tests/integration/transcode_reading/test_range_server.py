"""A source on loopback, to HTTP clients that behave and to some that do not."""

from __future__ import annotations

import asyncio
import http.client
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from services.transcode.worker.blocks import BLOCK, Blocks
from services.transcode.worker.range_server import Serving, serving

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

SIZE = 5 * BLOCK + 123
BODY = os.urandom(SIZE)


@dataclass
class Answer:
    status: int
    body: bytes
    fields: dict[str, str]


@dataclass
class Client:
    serves: Serving
    connection: http.client.HTTPConnection

    async def ask(self, byte_range: str = "", *, method: str = "GET", path: str = "") -> Answer:
        return await asyncio.to_thread(self._ask, byte_range, method, path or f"/{self.serves.source.token}")

    def _ask(self, byte_range: str, method: str, path: str) -> Answer:
        self.connection.request(method, path, headers={"Range": byte_range} if byte_range else {})
        answer = self.connection.getresponse()
        return Answer(answer.status, answer.read(), {name.lower(): value for name, value in answer.getheaders()})


@pytest_asyncio.fixture(loop_scope="session")
async def client() -> AsyncIterator[Client]:
    async def fetch(start: int, size: int) -> bytes:
        return BODY[start : start + size]

    async with serving(Blocks(SIZE, fetch, keep=0), lambda *_: None) as serves:
        connection = http.client.HTTPConnection("127.0.0.1", serves.source.port, timeout=5)
        yield Client(serves, connection)
        connection.close()


@pytest.mark.parametrize(
    ("byte_range", "start", "end"),
    [
        ("bytes=0-0", 0, 1),
        (f"bytes=0-{SIZE - 1}", 0, SIZE),
        (f"bytes={BLOCK - 1}-{BLOCK}", BLOCK - 1, BLOCK + 1),
        (f"bytes={SIZE - 1}-", SIZE - 1, SIZE),
        ("bytes=100-", 100, SIZE),
        ("bytes=-200", SIZE - 200, SIZE),
        (f"bytes=-{SIZE + 9}", 0, SIZE),
        (f"bytes=10-{SIZE + 9}", 10, SIZE),
    ],
)
async def test_a_range_is_answered_with_just_its_bytes(byte_range: str, start: int, end: int, client: Client) -> None:
    answer = await client.ask(byte_range)
    assert (answer.status, answer.body) == (206, BODY[start:end])
    assert answer.fields["content-range"] == f"bytes {start}-{end - 1}/{SIZE}"


@pytest.mark.parametrize("byte_range", [f"bytes={SIZE}-", "bytes=9-8", "bytes=-0"])
async def test_a_range_without_bytes_cannot_be_had(byte_range: str, client: Client) -> None:
    answer = await client.ask(byte_range)
    assert (answer.status, answer.body, answer.fields["content-range"]) == (416, b"", f"bytes */{SIZE}")


@pytest.mark.parametrize("byte_range", ["", "bytes=-", "bytes=0-1,5-6", "lines=1-2"])
async def test_without_a_range_that_is_understood_it_gives_all(byte_range: str, client: Client) -> None:
    answer = await client.ask(byte_range)
    assert (answer.status, answer.body, answer.fields["accept-ranges"]) == (200, BODY, "bytes")


async def test_head_tells_the_size_and_one_connection_does_for_all(client: Client) -> None:
    answer = await client.ask(method="HEAD")
    assert (answer.status, answer.body, answer.fields["content-length"]) == (200, b"", str(SIZE))
    first = client.connection.sock
    assert (await client.ask("bytes=0-9")).body == BODY[:10]
    assert (await client.ask(method="HEAD", path="/elsewhere")).status == 404
    assert (await client.ask("bytes=5-9")).body == BODY[5:10]
    assert client.connection.sock is first


@pytest.mark.parametrize("path", ["/", "/x", "/../etc/passwd", "http://127.0.0.1/x"])
async def test_whoever_does_not_know_the_path_gets_nothing(path: str, client: Client) -> None:
    answer = await client.ask(path=path)
    assert (answer.status, answer.body) == (404, b"")


async def test_it_only_reads(client: Client) -> None:
    answer = await client.ask(method="PUT")
    assert (answer.status, answer.fields["allow"]) == (405, "GET, HEAD")


@pytest.mark.parametrize(
    "noise", [b"\r\n\r\n", b"GET\r\n\r\n", b"\x16\x03\x01" * 4000, b"GET / HTTP/1.1\r\n" + b"a" * 9000]
)
async def test_noise_ends_only_its_own_connection(noise: bytes, client: Client) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", client.serves.source.port)
    writer.write(noise)
    try:
        async with asyncio.timeout(5):
            assert await reader.read() == b""
    except ConnectionError:
        # Ended before all of the noise was taken in.
        pass
    writer.close()
    assert (await client.ask("bytes=0-9")).body == BODY[:10]
    assert client.serves.failure is None


async def test_it_is_gone_with_its_task() -> None:
    async def fetch(start: int, size: int) -> bytes:
        return BODY[start : start + size]

    async with serving(Blocks(SIZE, fetch, keep=0), lambda *_: None) as serves:
        port = serves.source.port
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", port)
