"""The metadata service as it runs, and callers of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import pytest_asyncio
from reelmesh.metadata.v1 import metadata_pb2, metadata_pb2_grpc

from meshkit.ids import new_id
from services.metadata.main import Settings, main
from tests.integration.metadata.steps import (
    ALL,
)
from tests.serving import called, free_port, serving

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from local.infra import Infra
    from meshkit.settings import S3Settings

    Stub = metadata_pb2_grpc.MetadataServiceAsyncStub


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def address(
    infra: Infra,
    s3_settings: S3Settings,
    identity_addr: str,
    database_url: Callable[[str], Awaitable[str]],
    alone: None,
) -> AsyncIterator[str]:
    settings = Settings(
        grpc_port=free_port(),
        database_url=await database_url("metadata"),
        nats_url=infra.nats_url,
        identity_addr=identity_addr,
        sweep_interval=0.2,
        **s3_settings.model_dump(),
    )
    async with serving(main, settings) as address:
        yield address


@pytest.fixture
def tenant() -> str:
    return new_id()


@pytest_asyncio.fixture(loop_scope="session")
async def assets(address: str, tenant: str) -> AsyncIterator[Stub]:
    async with called(address, metadata_pb2.DESCRIPTOR, tenant, *ALL) as channel:
        yield metadata_pb2_grpc.MetadataServiceStub(channel)
