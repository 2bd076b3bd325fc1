"""The ways in, for real: two gateways before one upload service, the store and the database; only the rest is faked."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx2
import pytest
import pytest_asyncio

from meshkit.ids import new_id
from services.upload.formats import Policy
from services.upload.main import Settings, main
from tests import tokens
from tests.fakes.gateway import ALL_SCOPES, FakeServices, fake_services
from tests.integration.gateway.conftest import Served
from tests.integration.gateway.conftest import serving as gateway
from tests.serving import free_port, serving

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

    from local.infra import Infra
    from meshkit.settings import S3Settings

MAX_SIZE = 5 << 30


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def others() -> AsyncIterator[FakeServices]:
    async with fake_services() as fakes:
        yield fakes


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def upload_addr(
    infra: Infra, s3_settings: S3Settings, others: FakeServices, database_url: Callable[[str], Awaitable[str]]
) -> AsyncIterator[str]:
    settings = Settings(
        grpc_port=free_port(),
        database_url=await database_url("upload"),
        nats_url=infra.nats_url,
        identity_addr=others.address,
        upload_policy=Policy(max_size=MAX_SIZE),
        reelmesh_env="development",
        **s3_settings.model_dump(exclude={"reelmesh_env"}),
    )
    async with serving(main, settings) as address:
        yield address


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def served(others: FakeServices, s3_settings: S3Settings, upload_addr: str) -> AsyncIterator[Served]:
    async with gateway(others, s3_settings, upload_addr=upload_addr) as running:
        yield running


@pytest.fixture
def at_once(others: FakeServices) -> Iterator[None]:
    """The job of an upload is there when somebody asks for it."""
    others.transcode.at_once = True
    yield
    others.transcode.at_once = False


@pytest.fixture
def tenant() -> str:
    return new_id()


@pytest.fixture
def auth(tenant: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {tokens.token(tenant, *ALL_SCOPES)}"}


@pytest_asyncio.fixture(loop_scope="session")
async def http(served: Served, auth: dict[str, str]) -> AsyncIterator[httpx2.AsyncClient]:
    async with httpx2.AsyncClient(base_url=served.url, headers=auth, timeout=30) as client:
        yield client
