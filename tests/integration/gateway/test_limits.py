"""How much, how large and how slowly anybody may ask."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import httpx2
import pytest
import pytest_asyncio

from meshkit.ids import new_id
from services.gateway.patience import HEADERS_LIMIT, Impatient
from tests import tokens
from tests.fakes.gateway import ALL_SCOPES
from tests.integration.gateway.conftest import Served, serving
from tests.integration.gateway.test_problems import problem

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from meshkit.settings import S3Settings
    from tests.fakes.gateway import FakeServices

LIMITS = {"signup": "2/hour", "read": "3/hour", "write": "2/hour", "auth": "1/hour", "play": ""}


@asynccontextmanager
async def limited(services: FakeServices, s3: S3Settings, **other: Any) -> AsyncIterator[httpx2.AsyncClient]:
    async with (
        serving(services, s3, rate_limits=LIMITS, **other) as gateway,
        httpx2.AsyncClient(base_url=gateway.url) as http,
    ):
        yield http


@pytest_asyncio.fixture(loop_scope="session")
async def http(services: FakeServices, s3_settings: S3Settings) -> AsyncIterator[httpx2.AsyncClient]:
    async with limited(services, s3_settings) as client:
        yield client


@pytest_asyncio.fixture(loop_scope="session")
async def behind(services: FakeServices, s3_settings: S3Settings) -> AsyncIterator[httpx2.AsyncClient]:
    """A client of a gateway that believes its proxy."""
    async with limited(services, s3_settings, trusted_proxies=("127.0.0.0/8",)) as client:
        yield client


def refused(answer: httpx2.Response) -> bool:
    if answer.status_code != 429:
        return False
    assert problem(answer, 429)["code"] == "rate_limited"
    assert 0 < int(answer.headers["retry-after"]) <= 7200
    return True


async def test_an_address_is_limited_by_class_of_route(http: httpx2.AsyncClient) -> None:
    for number in range(5):
        # What a client says of itself changes nothing.
        spoofed = {"X-Forwarded-For": f"192.0.2.{number}"}
        assert refused(await http.get("/v1/me", headers=spoofed)) == (number >= 3)
        assert refused(await http.post("/v1/uploads", headers=spoofed)) == (number >= 2)
        assert refused(await http.post("/v1/auth/refresh", headers=spoofed)) == (number >= 1)
        assert refused(await http.post("/v1/auth/signup", headers=spoofed)) == (number >= 2)
        assert not refused(await http.get(f"/play/{new_id()}/master.m3u8"))
        assert (await http.get("/healthz")).status_code == 200


async def test_behind_a_proxy_each_client_has_its_own(behind: httpx2.AsyncClient) -> None:
    for number in range(5):
        for address in ("192.0.2.1", "192.0.2.2", "2001:db8::1"):
            answer = await behind.get("/v1/me", headers={"X-Forwarded-For": address})
            assert refused(answer) == (number >= 3)
    same_site = await behind.get("/v1/me", headers={"X-Forwarded-For": "2001:db8::2"})
    assert refused(same_site)


async def test_a_caller_is_limited_wherever_it_calls_from(behind: httpx2.AsyncClient) -> None:
    token = tokens.token(new_id(), *ALL_SCOPES)
    for number in range(5):
        headers = {"X-Forwarded-For": f"198.51.100.{number}", "Authorization": f"Bearer {token}"}
        assert refused(await behind.get("/v1/me", headers=headers)) == (number >= 3)
    other = {"X-Forwarded-For": "198.51.100.9", "Authorization": f"Bearer {tokens.token(new_id(), *ALL_SCOPES)}"}
    assert (await behind.get("/v1/me", headers=other)).status_code == 200


async def answered(served: Served, request: bytes) -> bytes:
    """All that the gateway says until it closes the connection."""
    host, _, port = served.url.removeprefix("http://").partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    try:
        writer.write(request)
        return await asyncio.wait_for(reader.read(), 20)
    finally:
        writer.close()


@pytest.mark.parametrize("said", [b"", b"GET /healthz HTTP/1.1\r\nHost: x\r\n"])
async def test_a_request_that_is_not_said_is_not_waited_for(
    served: Served, monkeypatch: pytest.MonkeyPatch, said: bytes
) -> None:
    monkeypatch.setattr(Impatient, "headers_within", 0.2)
    assert await answered(served, said) == b""


@pytest.mark.parametrize("end", [b"", b"\r\n\r\n", b"\r\nX-More: "])
async def test_headers_have_a_limit(served: Served, end: bytes) -> None:
    head = b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-Much: " + b"a" * (2 * HEADERS_LIMIT) + end
    assert (await answered(served, head)).startswith(b"HTTP/1.1 400")
