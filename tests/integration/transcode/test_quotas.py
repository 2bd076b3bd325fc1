"""Quotas as they hold: two schedulers over one database, and many who ask for jobs at once."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

import pytest_asyncio
from grpc.aio import AioRpcError
from reelmesh.transcode.v1 import edits_pb2, tenant_pb2, tenant_pb2_grpc, transcode_pb2, transcode_pb2_grpc

from meshkit.grpc import status
from meshkit.ids import new_id
from services.transcode.scheduler.main import main
from services.transcode.scheduler.store import PostgresStore
from tests.fakes.transcode_rows import a_source
from tests.serving import called, free_port, serving

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    import grpc.aio

    from meshkit.db import Database
    from meshkit.nats import Bus
    from services.transcode.scheduler.main import Settings

TIMEOUT = 10.0
PLACES = 5


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def replicas(settings: Settings, bus: Bus) -> AsyncIterator[list[str]]:
    async with AsyncExitStack() as stack:
        changed = [{"grpc_port": free_port(), "quota_concurrent_jobs": PLACES} for _ in range(2)]
        each = [serving(main, settings.model_copy(update=update)) for update in changed]
        yield [await stack.enter_async_context(one) for one in each]


@pytest_asyncio.fixture(loop_scope="session")
async def asset(database: Callable[[str], Awaitable[Database]]) -> tuple[str, str]:
    """The ids of a tenant and of an asset of it."""
    source = a_source(new_id())
    async with PostgresStore(await database("transcode")).transaction() as tx:
        await tx.add_source(source)
    return source.tenant_id, source.asset_id


async def made(channel: grpc.aio.Channel, asset_id: str, second: int) -> str:
    """A job of its own: what begins at another second is not the same job."""
    stub: transcode_pb2_grpc.TranscodeServiceAsyncStub = transcode_pb2_grpc.TranscodeServiceStub(channel)
    edits = edits_pb2.Edits(trim=edits_pb2.Trim(start=second))
    request = transcode_pb2.CreateJobRequest(asset_id=asset_id, edits=edits)
    try:
        return (await stub.CreateJob(request, timeout=TIMEOUT)).job.id
    except AioRpcError as error:
        return status.from_rpc_error(error).reason


async def test_concurrent_creates_on_several_replicas_never_overrun(
    replicas: list[str], asset: tuple[str, str]
) -> None:
    tenant_id, asset_id = asset
    scopes = ("jobs:read", "jobs:write", "tenants:read", "tenants:write")
    async with AsyncExitStack() as stack:
        channels = [
            await stack.enter_async_context(called(address, transcode_pb2.DESCRIPTOR, tenant_id, *scopes))
            for address in replicas
        ]
        answers = await asyncio.gather(*[made(channels[number % 2], asset_id, number) for number in range(16)])
        jobs = [answer for answer in answers if answer != "quota_exceeded"]
        assert len(jobs) == PLACES
        tenants: tenant_pb2_grpc.TenantServiceAsyncStub = tenant_pb2_grpc.TenantServiceStub(channels[1])
        usage = (await tenants.GetUsage(tenant_pb2.GetUsageRequest(), timeout=TIMEOUT)).usage
        assert (usage.concurrent_jobs.used, usage.concurrent_jobs.limit) == (PLACES, PLACES)
        stub: transcode_pb2_grpc.TranscodeServiceAsyncStub = transcode_pb2_grpc.TranscodeServiceStub(channels[0])
        await stub.CancelJob(transcode_pb2.CancelJobRequest(job_id=jobs[0]), timeout=TIMEOUT)
        assert await made(channels[1], asset_id, 20) != "quota_exceeded"
        request = tenant_pb2.UpdateTenantSettingsRequest(tenant_id=tenant_id)
        request.settings.max_concurrent_jobs = PLACES + 1
        request.update_mask.paths.append("max_concurrent_jobs")
        await tenants.UpdateTenantSettings(request, timeout=TIMEOUT)
        assert await made(channels[0], asset_id, 21) != "quota_exceeded"
        assert await made(channels[0], asset_id, 22) == "quota_exceeded"
