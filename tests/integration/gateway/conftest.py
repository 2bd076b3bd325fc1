"""A gateway on a real port before fake services, with a real object store."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpx2
import pytest
import pytest_asyncio

from meshkit.ids import new_id
from services.gateway.main import Settings, running
from tests import tokens
from tests.fakes.gateway import ALL_SCOPES, SERVICE_KEY, FakeServices, fake_services
from tests.serving import free_port

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from meshkit.settings import S3Settings

HEARTBEAT = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    url: str
    services: FakeServices
    stop: asyncio.Event


@asynccontextmanager
async def serving(services: FakeServices, s3: S3Settings, **other: Any) -> AsyncIterator[Served]:
    port, stop = free_port(), asyncio.Event()
    addresses = dict.fromkeys(("identity", "upload", "metadata", "transcode", "notify"), services.address)
    told: dict[str, Any] = {f"{name}_addr": address for name, address in addresses.items()}
    told |= {"http_port": port, "public_url": f"http://127.0.0.1:{port}", "service_key": SERVICE_KEY, **other}
    async with running(Settings(**s3.model_dump(), **told), stop, heartbeat=HEARTBEAT):
        try:
            yield Served(url=f"http://127.0.0.1:{port}", services=services, stop=stop)
        finally:
            stop.set()


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def services() -> AsyncIterator[FakeServices]:
    async with fake_services() as fakes:
        yield fakes


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def served(services: FakeServices, s3_settings: S3Settings) -> AsyncIterator[Served]:
    async with serving(services, s3_settings) as gateway:
        yield gateway


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def proxying(services: FakeServices, s3_settings: S3Settings) -> AsyncIterator[Served]:
    """A gateway that players read segments through."""
    async with serving(services, s3_settings, playback_mode="proxy", cors_origins=["https://club.example"]) as gateway:
        yield gateway


@pytest.fixture
def tenant() -> str:
    return new_id()


@pytest_asyncio.fixture(loop_scope="session")
async def http(served: Served, tenant: str) -> AsyncIterator[httpx2.AsyncClient]:
    """A client that may do everything."""
    headers = {"Authorization": f"Bearer {tokens.token(tenant, *ALL_SCOPES)}"}
    async with httpx2.AsyncClient(base_url=served.url, headers=headers) as client:
        yield client


@pytest_asyncio.fixture(loop_scope="session")
async def anyone(served: Served) -> AsyncIterator[httpx2.AsyncClient]:
    """A client that nobody knows."""
    async with httpx2.AsyncClient(base_url=served.url) as client:
        yield client
