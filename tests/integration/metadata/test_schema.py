"""Whatever the OpenAPI document allows or forbids, the asset routes answer as it says, and never with a 500."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.core.result import Ok

from meshkit.ids import new_id
from services.metadata.main import Settings, main
from services.metadata.store import PostgresStore
from tests import tokens
from tests.fakes.gateway import ALL_SCOPES, fake_services
from tests.fakes.metadata import an_asset
from tests.integration.gateway.conftest import serving as gateway
from tests.integration.uploads.test_schema import CHECKS, RANDOM_ELSEWHERE
from tests.serving import free_port, serving

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from local.infra import Infra
    from meshkit.db import Database
    from meshkit.settings import S3Settings

pytestmark = RANDOM_ELSEWHERE
EXAMPLES = 12


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def url(
    infra: Infra, s3_settings: S3Settings, database_url: Callable[[str], Awaitable[str]], alone: None
) -> AsyncIterator[str]:
    """A gateway before the real metadata service; the others are fakes."""
    async with fake_services() as fakes:
        told = Settings(
            grpc_port=free_port(),
            database_url=await database_url("metadata"),
            nats_url=infra.nats_url,
            identity_addr=fakes.address,
            **s3_settings.model_dump(),
        )
        async with (
            serving(main, told) as address,
            gateway(fakes, s3_settings, metadata_addr=address) as running,
        ):
            yield running.url


@pytest.mark.parametrize(("routes", "least"), [("^/v1/assets", 12), ("^/v1/(rankings|retention)", 3)])
async def test_the_document_is_kept(
    url: str, routes: str, least: int, database: Callable[[str], Awaitable[Database]]
) -> None:
    tenant = new_id()
    assets = [an_asset(tenant, file_name=f"{number}.mp4", size=number) for number in range(3)]
    async with PostgresStore(await database("metadata")).transaction() as tx:
        for asset in assets:
            await tx.add(asset)
    auth = {"Authorization": f"Bearer {tokens.token(tenant, *ALL_SCOPES)}"}
    assert await asyncio.to_thread(tried, url, auth, routes, [asset.id for asset in assets]) >= least


def tried(url: str, auth: dict[str, str], routes: str, known: list[str]) -> int:
    """How many operations there were."""
    schema = schemathesis.openapi.from_url(f"{url}/openapi.json").include(path_regex=routes)
    count = 0
    for operation in schema.get_all_operations():
        assert isinstance(operation, Ok)
        try_operation(operation.ok(), auth, known)
        count += 1
    return count


def try_operation(operation: Any, auth: dict[str, str], known: list[str]) -> None:
    turns = iter(range(10 * EXAMPLES))

    @given(case=operation.as_strategy())
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )
    def check(case: Any) -> None:
        turn = next(turns)
        if turn % 3 and "asset_id" in (case.path_parameters or {}):
            case.path_parameters["asset_id"] = known[turn % len(known)]
        case.call_and_validate(headers=auth, checks=CHECKS, timeout=30)

    check()
