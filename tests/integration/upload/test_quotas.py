"""Quotas as they hold: two replicas over one database, many creates at once, and what deletions give back."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio
from grpc.aio import AioRpcError
from reelmesh.metadata.v1 import metadata_events_pb2, metadata_pb2
from reelmesh.upload.v1 import upload_pb2, upload_pb2_grpc

from meshkit import outbox
from meshkit.grpc import status
from meshkit.ids import new_id
from services.upload.main import Settings, main
from tests.eventually import eventually
from tests.integration.upload.test_upload import TIMEOUT, create, put, refusal
from tests.serving import called, free_port, serving

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from google.protobuf.message import Message

    from local.infra import Infra
    from meshkit.nats import Bus
    from meshkit.settings import S3Settings

    Stub = upload_pb2_grpc.UploadServiceAsyncStub

ROOM = 1000


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def replicas(
    infra: Infra,
    s3_settings: S3Settings,
    identity_addr: str,
    database_url: Callable[[str], Awaitable[str]],
    alone: None,
) -> AsyncIterator[list[str]]:
    async with AsyncExitStack() as stack:
        addresses = []
        for _ in range(2):
            settings = Settings(
                grpc_port=free_port(),
                database_url=await database_url("upload"),
                nats_url=infra.nats_url,
                identity_addr=identity_addr,
                quota_bytes_stored=ROOM,
                **s3_settings.model_dump(),
            )
            addresses.append(await stack.enter_async_context(serving(main, settings)))
        yield addresses


@pytest_asyncio.fixture(loop_scope="session")
async def stubs(replicas: list[str]) -> AsyncIterator[list[Stub]]:
    """One for each replica, all of a tenant of their own."""
    tenant = new_id()
    async with AsyncExitStack() as stack:
        channels = [
            await stack.enter_async_context(
                called(address, upload_pb2.DESCRIPTOR, tenant, "uploads:read", "uploads:write")
            )
            for address in replicas
        ]
        yield [upload_pb2_grpc.UploadServiceStub(channel) for channel in channels]


async def usage(stub: Stub) -> upload_pb2.Usage:
    return (await stub.GetUsage(upload_pb2.GetUsageRequest(), timeout=TIMEOUT)).usage


async def stored(stub: Stub) -> float:
    return (await usage(stub)).bytes_stored.used


async def say(bus: Bus, event: Message, key: str) -> None:
    """As metadata would, once more each time."""
    await bus.js.publish(outbox.subject_of(event, key), event.SerializeToString())


async def test_concurrent_creates_on_several_replicas_never_overrun(stubs: list[Stub]) -> None:
    async def tried(number: int) -> str:
        try:
            await create(stubs[number % 2], 100)
        except AioRpcError as error:
            return status.from_rpc_error(error).reason
        return "made"

    answers = await asyncio.gather(*[tried(number) for number in range(24)])
    assert sorted(set(answers)) == ["made", "quota_exceeded"]
    assert answers.count("made") == ROOM // 100
    listed = await stubs[0].ListUploads(upload_pb2.ListUploadsRequest(page_size=100), timeout=TIMEOUT)
    assert len(listed.uploads) == ROOM // 100
    used = await usage(stubs[1])
    assert (used.bytes_stored.used, used.bytes_stored.limit, used.uploads_per_day.used) == (ROOM, ROOM, ROOM // 100)
    assert not used.uploads_per_day.HasField("limit")


async def test_a_refusal_names_the_quota(stubs: list[Stub]) -> None:
    await create(stubs[0], ROOM)
    with pytest.raises(AioRpcError) as refused:
        await create(stubs[1], 1)
    error = status.from_rpc_error(refused.value)
    assert (error.reason, error.http_status, error.metadata["quota"]) == ("quota_exceeded", 429, "bytes_stored")
    assert int(error.metadata["retry_after"]) > 0


async def test_what_is_aborted_makes_room(stubs: list[Stub]) -> None:
    made = await create(stubs[0], ROOM)
    assert await refusal(create(stubs[1], ROOM)) == ("quota_exceeded", 429)
    request = upload_pb2.AbortUploadRequest(upload_id=made.upload.id)
    await asyncio.gather(*[stub.AbortUpload(request, timeout=TIMEOUT) for stub in stubs * 3])
    assert await stored(stubs[0]) == 0
    await create(stubs[1], ROOM)


async def test_a_purged_asset_is_settled_once_and_its_upload_forgotten(stubs: list[Stub], bus: Bus) -> None:
    kept, gone = await create(stubs[0], 3), await create(stubs[0], 4)
    for made, body in ((kept, b"abc"), (gone, b"abcd")):
        await put(made.parts[0], body)
        await stubs[0].CompleteUpload(upload_pb2.CompleteUploadRequest(upload_id=made.upload.id), timeout=TIMEOUT)
    assert await stored(stubs[0]) == 7
    upload = gone.upload
    purged = metadata_events_pb2.AssetPurged(asset_id=upload.asset_id, tenant_id=upload.tenant_id)
    for _ in range(3):
        await say(bus, purged, upload.asset_id)

    async def forgotten() -> bool:
        listed = await stubs[1].ListUploads(upload_pb2.ListUploadsRequest(), timeout=TIMEOUT)
        return [each.id for each in listed.uploads] == [kept.upload.id]

    assert await eventually(forgotten)
    assert await stored(stubs[0]) == 3
    asset = metadata_pb2.Asset(id=kept.upload.asset_id, tenant_id=upload.tenant_id)
    for _ in range(3):
        await say(bus, metadata_events_pb2.AssetSourceDeleted(asset=asset), asset.id)

    async def freed() -> bool:
        return await stored(stubs[1]) == 0

    assert await eventually(freed)


async def test_only_the_operator_sets_limits(replicas: list[str], stubs: list[Stub]) -> None:
    tenant = (await create(stubs[0], 1)).upload.tenant_id
    request = upload_pb2.UpdateTenantSettingsRequest(tenant_id=tenant)
    request.update_mask.paths.extend(["max_bytes_stored", "object_key_template"])
    request.settings.max_bytes_stored = 5
    request.settings.object_key_template = "club"
    refused = stubs[0].UpdateTenantSettings(request, timeout=TIMEOUT)
    assert await refusal(refused) == ("missing_scope", 403)
    async with called(replicas[0], upload_pb2.DESCRIPTOR, new_id(), "tenants:read", "tenants:write") as channel:
        operator: Stub = upload_pb2_grpc.UploadServiceStub(channel)
        await operator.UpdateTenantSettings(request, timeout=TIMEOUT)
        found = await operator.GetTenantSettings(upload_pb2.GetTenantSettingsRequest(tenant_id=tenant), timeout=TIMEOUT)
        assert (found.settings.max_bytes_stored, found.usage.bytes_stored.used) == (5, 1)
        assert (await create(stubs[1], 4)).upload.object_key.startswith("club/")
        assert await refusal(create(stubs[1], 1)) == ("quota_exceeded", 429)
        request.update_mask.paths[:] = ["max_bytes_stored"]
        request.settings.ClearField("max_bytes_stored")
        assert (await operator.UpdateTenantSettings(request, timeout=TIMEOUT)).usage.bytes_stored.limit == ROOM
        request.update_mask.paths[:] = ["tenant_id"]
        assert await refusal(operator.UpdateTenantSettings(request, timeout=TIMEOUT)) == ("invalid_update", 400)
    await create(stubs[1], 1)
