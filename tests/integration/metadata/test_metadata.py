"""The metadata service as it runs: real gRPC, Postgres and JetStream."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, cast

import pytest
import pytest_asyncio
from google.protobuf.field_mask_pb2 import FieldMask
from grpc.aio import AioRpcError
from reelmesh.metadata.v1 import metadata_pb2, metadata_pb2_grpc
from reelmesh.transcode.v1 import transcode_events_pb2 as jobs
from reelmesh.transcode.v1 import transcode_pb2
from reelmesh.upload.v1 import upload_events_pb2, upload_pb2

from meshkit import outbox
from meshkit.errors import NotFound
from meshkit.grpc import status
from meshkit.ids import new_id
from services.metadata.main import Settings, main
from tests.eventually import eventually
from tests.serving import called, free_port, serving

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from google.protobuf.message import Message

    from local.infra import Infra
    from meshkit.nats import Bus
    from meshkit.objects import Objects
    from meshkit.settings import S3Settings

    Stub = metadata_pb2_grpc.MetadataServiceAsyncStub

ALL = ("assets:read", "assets:write", "playback:read")
TIMEOUT = 10.0
Asset = metadata_pb2.Asset


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


async def say(bus: Bus, event: Message, key: str, event_id: str = "") -> str:
    """As a relay does; the event's id."""
    headers = {outbox.EVENT_ID: event_id or new_id()}
    await bus.publish(outbox.subject_of(event, key), event.SerializeToString(), headers, new_id())
    return headers[outbox.EVENT_ID]


def an_upload(tenant_id: str, **labels: str) -> upload_pb2.Upload:
    asset_id = new_id()
    return upload_pb2.Upload(
        id=new_id(),
        tenant_id=tenant_id,
        asset_id=asset_id,
        file_name="match.mov",
        size=12,
        labels=labels,
        object_key=f"assets/{asset_id}/source",
    )


def a_job(upload: upload_pb2.Upload) -> transcode_pb2.Job:
    job_id = new_id()
    output = transcode_pb2.JobOutput(id=new_id(), kind="hls", state=transcode_pb2.JobOutput.STATE_READY, width=640)
    return transcode_pb2.Job(
        id=job_id,
        tenant_id=upload.tenant_id,
        asset_id=upload.asset_id,
        playable=True,
        outputs=[output],
        object_prefix=f"assets/{upload.asset_id}/jobs/{job_id}/",
        media=transcode_pb2.SourceMedia(kind="video", container="mov", duration=1.5, sha256="cd" * 32),
    )


async def get(stub: Stub, asset_id: str) -> Asset:
    request = metadata_pb2.GetAssetRequest(asset_id=asset_id)
    return (await stub.GetAsset(request, timeout=TIMEOUT)).asset


async def come_to(stub: Stub, asset_id: str, state: Asset.State.ValueType) -> Asset:
    """The asset, once it has come to that state."""

    async def come() -> Asset | None:
        listed = await stub.ListAssets(metadata_pb2.ListAssetsRequest(state=state), timeout=TIMEOUT)
        return next((asset for asset in listed.assets if asset.id == asset_id), None)

    return cast(Asset, await eventually(come))


async def playable(stub: Stub, asset_id: str) -> Asset:
    async def plays() -> Asset | None:
        asset = await get(stub, asset_id)
        return asset if asset.playable else None

    return cast(Asset, await eventually(plays))


async def taken_in(bus: Bus, stub: Stub, upload: upload_pb2.Upload) -> Asset:
    await say(bus, upload_events_pb2.UploadCompleted(upload=upload), upload.id)
    return await come_to(stub, upload.asset_id, Asset.STATE_UPLOADED)


async def said(bus: Bus, asset_id: str, *facts: str) -> None:
    """Until exactly these facts of the asset went out, each once."""
    wanted = {f"reelmesh.metadata.v1.asset_{fact}.{asset_id}": 1 for fact in facts}

    async def went_out() -> bool:
        info = await bus.js.stream_info("METADATA", subjects_filter=f"reelmesh.metadata.v1.*.{asset_id}")
        return info.state.subjects == wanted

    assert await eventually(went_out)


async def refusal(call: Awaitable[object]) -> tuple[str, int]:
    """The reason and the HTTP status of a call that must fail."""
    with pytest.raises(AioRpcError) as caught:
        await call
    error = status.from_rpc_error(caught.value)
    return error.reason, error.http_status


async def test_an_upload_and_its_job_make_a_ready_asset(bus: Bus, assets: Stub, tenant: str) -> None:
    upload = an_upload(tenant, match_id="7")
    made = await taken_in(bus, assets, upload)
    assert (made.kind, made.playable, made.labels["match_id"]) == (Asset.KIND_VIDEO, False, "7")
    job = a_job(upload)
    for event in (jobs.JobStarted(job=job), jobs.JobProbed(job=job), jobs.JobPlayable(job=job)):
        await say(bus, event, job.id)
    processing = await playable(assets, upload.asset_id)
    assert (processing.state, processing.media.container) == (Asset.STATE_PROCESSING, "mov")
    await say(bus, jobs.JobSucceeded(job=job), job.id)
    ready = await come_to(assets, upload.asset_id, Asset.STATE_READY)
    assert [output.job_id for output in ready.outputs] == [job.id]
    assert len({made.etag, processing.etag, ready.etag}) == 3
    await said(bus, upload.asset_id, "created", "updated", "playable", "ready")


async def test_a_repeated_event_takes_effect_once(bus: Bus, assets: Stub, tenant: str) -> None:
    upload = an_upload(tenant)
    completed = upload_events_pb2.UploadCompleted(upload=upload)
    event_id = await say(bus, completed, upload.id)
    await say(bus, completed, upload.id, event_id)
    await come_to(assets, upload.asset_id, Asset.STATE_UPLOADED)
    job = a_job(upload)
    started = await say(bus, jobs.JobStarted(job=job), job.id)
    await say(bus, jobs.JobStarted(job=job), job.id, started)
    await say(bus, jobs.JobSucceeded(job=job), job.id)
    await come_to(assets, upload.asset_id, Asset.STATE_READY)
    await said(bus, upload.asset_id, "created", "updated", "ready")


async def test_a_job_of_nothing_holds_nobody_up(bus: Bus, assets: Stub, tenant: str) -> None:
    stray = a_job(an_upload(tenant))
    await say(bus, jobs.JobStarted(job=stray), stray.id)
    upload = an_upload(tenant)
    await taken_in(bus, assets, upload)
    job = a_job(upload)
    await say(bus, jobs.JobSucceeded(job=job), job.id)
    await come_to(assets, upload.asset_id, Asset.STATE_READY)


async def test_a_failed_job_fails_its_asset_with_the_reason(bus: Bus, assets: Stub, tenant: str) -> None:
    upload = an_upload(tenant)
    await taken_in(bus, assets, upload)
    job = a_job(upload)
    job.error_code, job.error_message = "not_media", "this is not media"
    await say(bus, jobs.JobFailed(job=job), job.id)
    failed = await come_to(assets, upload.asset_id, Asset.STATE_FAILED)
    assert (failed.error_code, failed.error_message) == ("not_media", "this is not media")
    request = metadata_pb2.ResolvePlaybackRequest(playback_id=failed.playback_id)
    assert await refusal(assets.ResolvePlayback(request, timeout=TIMEOUT)) == ("playback_not_found", 404)


async def test_a_playback_id_is_open_to_whoever_may_play(bus: Bus, address: str, assets: Stub, tenant: str) -> None:
    upload = an_upload(tenant)
    made = await taken_in(bus, assets, upload)
    job = a_job(upload)
    await say(bus, jobs.JobSucceeded(job=job), job.id)
    await come_to(assets, upload.asset_id, Asset.STATE_READY)
    request = metadata_pb2.ResolvePlaybackRequest(playback_id=made.playback_id)
    async with called(address, metadata_pb2.DESCRIPTOR, new_id(), "playback:read") as channel:
        answer = await metadata_pb2_grpc.MetadataServiceStub(channel).ResolvePlayback(request, timeout=TIMEOUT)
    assert (answer.asset_id, answer.object_prefix) == (upload.asset_id, job.object_prefix)
    assert [output.kind for output in answer.outputs] == ["hls"]
    async with called(address, metadata_pb2.DESCRIPTOR, tenant, "assets:read") as channel:
        call = metadata_pb2_grpc.MetadataServiceStub(channel).ResolvePlayback(request, timeout=TIMEOUT)
        assert await refusal(call) == ("missing_scope", 403)


async def test_assets_are_listed_by_their_labels(bus: Bus, assets: Stub, tenant: str) -> None:
    left, right = an_upload(tenant, match="7", camera="left"), an_upload(tenant, match="7", camera="right")
    for upload in (left, right, an_upload(tenant, match="8")):
        await taken_in(bus, assets, upload)

    async def listed(**labels: str) -> list[str]:
        request = metadata_pb2.ListAssetsRequest(labels=labels)
        return [asset.id for asset in (await assets.ListAssets(request, timeout=TIMEOUT)).assets]

    assert await listed(match="7") == [right.asset_id, left.asset_id]
    assert await listed(match="7", camera="left") == [left.asset_id]
    assert await listed(match="9") == []


async def test_pages_hold_while_assets_come_in(bus: Bus, assets: Stub, tenant: str) -> None:
    uploads = [an_upload(tenant) for _ in range(5)]
    for upload in uploads:
        await taken_in(bus, assets, upload)
    seen: list[str] = []
    token = ""
    while True:
        request = metadata_pb2.ListAssetsRequest(page_size=2, page_token=token)
        answer = await assets.ListAssets(request, timeout=TIMEOUT)
        seen += [asset.id for asset in answer.assets]
        token = answer.next_page_token
        if not token:
            break
        await taken_in(bus, assets, an_upload(tenant))
    assert seen == [upload.asset_id for upload in reversed(uploads)]


async def test_a_foreign_tenant_sees_nothing(bus: Bus, address: str, assets: Stub, tenant: str) -> None:
    upload = an_upload(tenant)
    await taken_in(bus, assets, upload)
    async with called(address, metadata_pb2.DESCRIPTOR, new_id(), *ALL) as channel:
        foreign = metadata_pb2_grpc.MetadataServiceStub(channel)
        assert await refusal(get(foreign, upload.asset_id)) == ("asset_not_found", 404)
        delete = foreign.DeleteAsset(metadata_pb2.DeleteAssetRequest(asset_id=upload.asset_id), timeout=TIMEOUT)
        assert await refusal(delete) == ("asset_not_found", 404)
        assert not (await foreign.ListAssets(metadata_pb2.ListAssetsRequest(), timeout=TIMEOUT)).assets


async def test_of_concurrent_updates_with_one_etag_one_wins(bus: Bus, assets: Stub, tenant: str) -> None:
    made = await taken_in(bus, assets, an_upload(tenant))

    async def update(passthrough: str) -> str:
        request = metadata_pb2.UpdateAssetRequest(
            asset_id=made.id, etag=made.etag, update_mask=FieldMask(paths=["passthrough"]), passthrough=passthrough
        )
        try:
            return (await assets.UpdateAsset(request, timeout=TIMEOUT)).asset.passthrough
        except AioRpcError as error:
            return status.from_rpc_error(error).reason

    outcomes = await asyncio.gather(*[update(str(number)) for number in range(5)])
    assert sorted(outcomes)[1:] == ["etag_mismatch"] * 4
    assert (await get(assets, made.id)).passthrough == sorted(outcomes)[0]


async def test_an_update_of_what_cannot_be_updated_names_it(bus: Bus, assets: Stub, tenant: str) -> None:
    made = await taken_in(bus, assets, an_upload(tenant))
    request = metadata_pb2.UpdateAssetRequest(asset_id=made.id, update_mask=FieldMask(paths=["sha256"]))
    assert await refusal(assets.UpdateAsset(request, timeout=TIMEOUT)) == ("invalid_update", 400)
    assert await refusal(assets.UpdateAsset(metadata_pb2.UpdateAssetRequest(asset_id=made.id), timeout=TIMEOUT)) == (
        "invalid_argument",
        400,
    )


async def test_a_deleted_asset_is_hidden_and_deleted_once(bus: Bus, assets: Stub, tenant: str) -> None:
    made = await taken_in(bus, assets, an_upload(tenant))
    request = metadata_pb2.DeleteAssetRequest(asset_id=made.id, etag=made.etag)
    gone = (await assets.DeleteAsset(request, timeout=TIMEOUT)).asset
    assert gone.HasField("delete_time")
    assert (await assets.DeleteAsset(request, timeout=TIMEOUT)).asset == gone
    assert not (await assets.ListAssets(metadata_pb2.ListAssetsRequest(), timeout=TIMEOUT)).assets
    deleted = metadata_pb2.ListAssetsRequest(state=Asset.STATE_DELETED)
    assert [asset.id for asset in (await assets.ListAssets(deleted, timeout=TIMEOUT)).assets] == [made.id]
    await said(bus, made.id, "created", "deleted")


async def history(assets: Stub, asset_id: str) -> list[str]:
    request = metadata_pb2.ListAssetEventsRequest(asset_id=asset_id)
    return [event.type for event in (await assets.ListAssetEvents(request, timeout=TIMEOUT)).events]


async def test_a_deleted_asset_can_be_restored(bus: Bus, assets: Stub, tenant: str) -> None:
    made = await taken_in(bus, assets, an_upload(tenant))
    await assets.DeleteAsset(metadata_pb2.DeleteAssetRequest(asset_id=made.id), timeout=TIMEOUT)
    restored = (await assets.RestoreAsset(metadata_pb2.RestoreAssetRequest(asset_id=made.id), timeout=TIMEOUT)).asset
    assert (restored.state, restored.HasField("delete_time")) == (Asset.STATE_UPLOADED, False)
    await said(bus, made.id, "created", "deleted", "restored")
    assert await history(assets, made.id) == ["asset.restored", "asset.deleted", "asset.created"]


async def test_a_hard_deleted_asset_leaves_no_object(bus: Bus, assets: Stub, tenant: str, objects: Objects) -> None:
    upload = an_upload(tenant)
    keys = [upload.object_key, f"assets/{upload.asset_id}/jobs/j/master.m3u8", f"assets/{upload.asset_id}x/source"]
    for key in keys:
        await objects.put(key, b"x", "text/plain", "")
    made = await taken_in(bus, assets, upload)
    request = metadata_pb2.DeleteAssetRequest(asset_id=made.id, hard=True)
    for _ in range(2):
        assert not (await assets.DeleteAsset(request, timeout=TIMEOUT)).HasField("asset")
    assert await refusal(get(assets, made.id)) == ("asset_not_found", 404)
    await said(bus, made.id, "created", "deleted", "purged")
    for key in keys[:2]:
        with pytest.raises(NotFound):
            await objects.head(key)
    assert (await objects.head(keys[2])).size == 1


async def test_a_policy_ends_what_is_kept(bus: Bus, assets: Stub, tenant: str, objects: Objects) -> None:
    upload, gone = an_upload(tenant), an_upload(tenant)
    await objects.put(upload.object_key, b"x", "text/plain", "")
    for each in (upload, gone):
        await taken_in(bus, assets, each)
    job = a_job(upload)
    await say(bus, jobs.JobSucceeded(job=job), job.id)
    await come_to(assets, upload.asset_id, Asset.STATE_READY)
    await assets.DeleteAsset(metadata_pb2.DeleteAssetRequest(asset_id=gone.asset_id), timeout=TIMEOUT)
    kept = (await assets.GetRetention(metadata_pb2.GetRetentionRequest(), timeout=TIMEOUT)).retention
    assert (kept.HasField("original_days"), kept.deleted_days) == (False, 30)
    wanted = metadata_pb2.Retention(original_days=0, deleted_days=0)
    await assets.UpdateRetention(metadata_pb2.UpdateRetentionRequest(retention=wanted), timeout=TIMEOUT)
    await said(bus, upload.asset_id, "created", "ready", "source_deleted")
    await said(bus, gone.asset_id, "created", "deleted", "purged")

    async def removed() -> bool:
        try:
            await objects.head(upload.object_key)
        except NotFound:
            return True
        return False

    assert await eventually(removed)
    opening = metadata_pb2.OpenAssetRequest(
        asset_id=upload.asset_id, purpose=metadata_pb2.OpenAssetRequest.PURPOSE_STREAM
    )
    assert await refusal(assets.OpenAsset(opening, timeout=TIMEOUT)) == ("source_deleted", 404)


async def test_many_vote_at_once_and_the_ranking_follows(bus: Bus, address: str, assets: Stub, tenant: str) -> None:
    uploads = [an_upload(tenant, athlete_id="7") for _ in range(3)]
    for upload in uploads:
        upload.visibility = upload_pb2.VISIBILITY_PUBLIC
        await taken_in(bus, assets, upload)
    first, second, third = (upload.asset_id for upload in uploads)

    async def vote(asset_id: str, *, withdrawn: bool = False) -> None:
        """A user of another tenant, who is in a hurry."""
        async with called(address, metadata_pb2.DESCRIPTOR, new_id(), "assets:read") as channel:
            stub = metadata_pb2_grpc.MetadataServiceStub(channel)
            cast = metadata_pb2.CastVoteRequest(asset_id=asset_id)
            await asyncio.gather(*[stub.CastVote(cast, timeout=TIMEOUT) for _ in range(3)])
            if withdrawn:
                await stub.WithdrawVote(metadata_pb2.WithdrawVoteRequest(asset_id=asset_id), timeout=TIMEOUT)

    await asyncio.gather(
        *[vote(second) for _ in range(5)], *[vote(third, withdrawn=True) for _ in range(3)], vote(third), vote(first)
    )
    seen: list[tuple[str, int]] = []
    token = ""
    for _ in range(3):
        request = metadata_pb2.ListAssetsRequest(
            order_by="votes desc", labels={"athlete_id": "7"}, page_size=1, page_token=token
        )
        answer = await assets.ListAssets(request, timeout=TIMEOUT)
        seen += [(asset.id, asset.votes) for asset in answer.assets]
        token = answer.next_page_token
    assert seen == [(second, 5), (third, 1), (first, 1)]
    assert token == ""


async def test_bad_lists_are_refused(assets: Stub) -> None:
    for wrong in (
        metadata_pb2.ListAssetsRequest(order_by="secret"),
        metadata_pb2.ListAssetsRequest(page_token="nonsense"),
    ):
        reason, code = await refusal(assets.ListAssets(wrong, timeout=TIMEOUT))
        assert (reason, code) in {("invalid_argument", 400), ("invalid_page_token", 400)}
