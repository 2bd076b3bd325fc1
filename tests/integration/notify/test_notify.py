"""The notify service as it runs: real gRPC, Postgres and JetStream."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio
from grpc.aio import EOF, AioRpcError
from reelmesh.metadata.v1 import metadata_events_pb2 as assets
from reelmesh.metadata.v1 import metadata_pb2
from reelmesh.notify.v1 import notify_pb2, notify_pb2_grpc
from reelmesh.transcode.v1 import transcode_events_pb2 as jobs
from reelmesh.transcode.v1 import transcode_pb2
from reelmesh.upload.v1 import upload_events_pb2 as uploads
from reelmesh.upload.v1 import upload_pb2

from meshkit import outbox, public
from meshkit.grpc import status
from meshkit.ids import new_id
from meshkit.topology import FEED
from services.notify.main import Settings, main
from tests.eventually import eventually
from tests.serving import called, free_port, serving

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from google.protobuf.message import Message
    from grpc.aio import UnaryStreamCall

    from local.infra import Infra
    from meshkit.nats import Bus

    Stub = notify_pb2_grpc.NotifyServiceAsyncStub
    Watch = UnaryStreamCall[notify_pb2.WatchEventsRequest, notify_pb2.WatchEventsResponse]

SCOPE = "events:read"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def settings(
    infra: Infra, bus: Bus, identity_addr: str, database_url: Callable[[str], Awaitable[str]]
) -> Settings:
    return Settings(
        grpc_port=free_port(),
        database_url=await database_url("notify"),
        nats_url=infra.nats_url,
        identity_addr=identity_addr,
        metadata_addr="127.0.0.1:9",
        service_key="rmk_asks-nobody-about-anything",
        heartbeat_seconds=0.5,
    )


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def address(settings: Settings, alone: None) -> AsyncIterator[str]:
    async with serving(main, settings) as address:
        yield address


@pytest.fixture
def tenant() -> str:
    return new_id()


@pytest_asyncio.fixture(loop_scope="session")
async def events(address: str, tenant: str) -> AsyncIterator[Stub]:
    async with called(address, notify_pb2.DESCRIPTOR, tenant, SCOPE) as channel:
        yield notify_pb2_grpc.NotifyServiceStub(channel)


@asynccontextmanager
async def watching(stub: Stub, last_event_id: str = "", **wanted: object) -> AsyncIterator[Watch]:
    """A feed that is live: its first heartbeat came."""
    request = notify_pb2.WatchEventsRequest(last_event_id=last_event_id, **wanted)  # type: ignore[arg-type]
    watch = stub.WatchEvents(request, timeout=30)
    try:
        first = await watch.read()
        assert isinstance(first, notify_pb2.WatchEventsResponse)
        assert not first.HasField("event")
        yield watch
    finally:
        watch.cancel()


async def heard(watch: Watch) -> notify_pb2.Event:
    """The next event; heartbeats in between are none."""
    while True:
        response = await watch.read()
        assert isinstance(response, notify_pb2.WatchEventsResponse)
        if response.HasField("event"):
            assert response.event.id == response.last_event_id
            return response.event


async def say(bus: Bus, event: Message, event_id: str = "") -> str:
    """As a relay does; the event's id."""
    headers = {outbox.EVENT_ID: event_id or new_id()}
    await bus.publish(outbox.subject_of(event, new_id()), event.SerializeToString(), headers, new_id())
    return headers[outbox.EVENT_ID]


def an_asset(tenant_id: str) -> metadata_pb2.Asset:
    asset = metadata_pb2.Asset(id=new_id(), tenant_id=tenant_id, state=metadata_pb2.Asset.STATE_READY, size=3)
    asset.update_time.GetCurrentTime()
    return asset


def a_job(tenant_id: str, **fields: object) -> transcode_pb2.Job:
    job = transcode_pb2.Job(id=new_id(), tenant_id=tenant_id, asset_id=new_id(), **fields)  # type: ignore[arg-type]
    job.update_time.GetCurrentTime()
    return job


async def to_the_end(watch: Watch) -> None:
    while await watch.read() is not EOF:
        pass


async def refusal(watch: Watch) -> tuple[str, int]:
    """The reason and the HTTP status with which a feed ends."""
    with pytest.raises(AioRpcError) as caught:
        await to_the_end(watch)
    error = status.from_rpc_error(caught.value)
    return error.reason, error.http_status


async def test_a_fact_is_told_as_the_public_api_shows_it(bus: Bus, events: Stub, tenant: str) -> None:
    upload = upload_pb2.Upload(id=new_id(), tenant_id=tenant, asset_id=new_id(), size=5, labels={"match_id": "7"})
    upload.update_time.GetCurrentTime()
    async with watching(events) as watch:
        await say(bus, uploads.UploadCompleted(upload=upload))
        event = await heard(watch)
    assert (event.type, event.tenant_id, event.asset_id) == ("upload.completed", tenant, upload.asset_id)
    assert public.data(event.data) == public.upload(upload)
    assert event.create_time == upload.update_time


async def test_facts_are_told_once_and_in_order_and_only_public_ones(bus: Bus, events: Stub, tenant: str) -> None:
    job = a_job(tenant, progress=0.5)
    async with watching(events) as watch:
        started = await say(bus, jobs.JobStarted(job=job))
        await say(bus, jobs.JobStarted(job=job), started)
        for fact in (jobs.JobProbed(job=job), jobs.JobProgressed(job=job), jobs.JobPlayable(job=job)):
            await say(bus, fact)
        await say(bus, jobs.JobGrown(job_id=job.id))
        await say(bus, jobs.JobSucceeded(job=job))
        told = [await heard(watch) for _ in range(3)]
    assert [event.type for event in told] == ["job.started", "job.progress", "job.succeeded"]
    assert {(event.job_id, event.asset_id) for event in told} == {(job.id, job.asset_id)}


async def test_a_reader_goes_on_after_its_last_event(bus: Bus, events: Stub, tenant: str) -> None:
    missed = an_asset(tenant)
    async with watching(events) as watch:
        await say(bus, assets.AssetCreated(asset=an_asset(tenant)))
        last = await heard(watch)
        await say(bus, assets.AssetReady(asset=missed))
        await heard(watch)
    async with watching(events, last.id) as watch:
        again = await heard(watch)
        assert (again.type, again.asset_id) == ("asset.ready", missed.id)
        new = an_asset(tenant)
        await say(bus, assets.AssetDeleted(asset=new))
        assert (await heard(watch)).asset_id == new.id


async def test_a_reader_that_heard_nothing_goes_on_after_its_last_heartbeat(
    bus: Bus, events: Stub, tenant: str
) -> None:
    async with watching(events) as watch:
        heartbeat = await watch.read()
        assert isinstance(heartbeat, notify_pb2.WatchEventsResponse)
    async with watching(events) as watch:
        missed = an_asset(tenant)
        await say(bus, assets.AssetFailed(asset=missed))
        await heard(watch)
    async with watching(events, heartbeat.last_event_id) as watch:
        assert (await heard(watch)).asset_id == missed.id


async def test_a_reader_hears_what_it_wants(bus: Bus, events: Stub, tenant: str) -> None:
    job, asset = a_job(tenant), an_asset(tenant)
    async with (
        watching(events, job_id=job.id) as of_job,
        watching(events, asset_id=asset.id) as of_asset,
        watching(events, types=["asset.deleted", "job.failed"]) as of_types,
    ):
        for fact in (jobs.JobStarted(job=a_job(tenant)), jobs.JobStarted(job=job), jobs.JobFailed(job=job)):
            await say(bus, fact)
        assert [(await heard(of_job)).type for _ in range(2)] == ["job.started", "job.failed"]
        await say(bus, assets.AssetReady(asset=an_asset(tenant)))
        await say(bus, assets.AssetReady(asset=asset))
        assert (await heard(of_asset)).asset_id == asset.id
        await say(bus, assets.AssetDeleted(asset=asset))
        assert [(await heard(of_types)).type for _ in range(2)] == ["job.failed", "asset.deleted"]


async def test_a_foreign_tenant_hears_nothing(bus: Bus, address: str, events: Stub, tenant: str) -> None:
    other = new_id()
    async with called(address, notify_pb2.DESCRIPTOR, other, SCOPE) as channel:
        foreign = notify_pb2_grpc.NotifyServiceStub(channel)
        async with watching(events) as ours, watching(foreign) as theirs:
            await say(bus, assets.AssetReady(asset=an_asset(tenant)))
            await heard(ours)
            own = an_asset(other)
            await say(bus, assets.AssetReady(asset=own))
            assert (await heard(theirs)).asset_id == own.id


async def test_silence_is_broken_by_heartbeats(events: Stub) -> None:
    async with watching(events) as watch:
        for _ in range(2):
            response = await watch.read()
            assert isinstance(response, notify_pb2.WatchEventsResponse)
            assert not response.HasField("event")


async def test_a_client_that_goes_away_frees_its_consumer(bus: Bus, events: Stub, tenant: str) -> None:
    async def watchers() -> int:
        infos = await bus.js.consumers_info(FEED)
        return sum(info.config.filter_subject == f"feed.{tenant}.>" for info in infos)

    async with watching(events):
        assert await watchers() == 1

    async def none() -> bool:
        return await watchers() == 0

    assert await eventually(none)


async def test_a_replica_that_ends_sends_its_readers_off(settings: Settings, tenant: str) -> None:
    another = settings.model_copy(update={"grpc_port": free_port()})
    async with called(f"127.0.0.1:{another.grpc_port}", notify_pb2.DESCRIPTOR, tenant, SCOPE) as channel:
        async with serving(main, another):
            watch = notify_pb2_grpc.NotifyServiceStub(channel).WatchEvents(notify_pb2.WatchEventsRequest())
            await watch.read()
        assert await refusal(watch) == ("shutting_down", 503)


async def test_what_nobody_can_watch_is_refused(events: Stub) -> None:
    request = notify_pb2.WatchEventsRequest
    assert await refusal(events.WatchEvents(request(last_event_id="x"))) == ("invalid_last_event_id", 400)
    assert await refusal(events.WatchEvents(request(types=["asset.redy"]))) == ("unknown_event_type", 400)


async def test_a_token_without_the_scope_is_refused(address: str, tenant: str) -> None:
    async with called(address, notify_pb2.DESCRIPTOR, tenant, "assets:read") as channel:
        watch = notify_pb2_grpc.NotifyServiceStub(channel).WatchEvents(notify_pb2.WatchEventsRequest())
        assert await refusal(watch) == ("missing_scope", 403)
