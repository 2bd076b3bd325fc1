"""The metadata service as it runs: real gRPC, Postgres and JetStream."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from google.protobuf.field_mask_pb2 import FieldMask
from grpc.aio import AioRpcError
from reelmesh.metadata.v1 import metadata_pb2, metadata_pb2_grpc
from reelmesh.transcode.v1 import transcode_events_pb2 as jobs
from reelmesh.transcode.v1.transcode_pb2 import JobOutput
from reelmesh.upload.v1 import upload_events_pb2

from meshkit.grpc import status
from meshkit.ids import new_id
from tests.integration.metadata.steps import (
    ALL,
    TIMEOUT,
    Asset,
    a_job,
    an_upload,
    come_to,
    get,
    playable,
    refusal,
    said,
    say,
    taken_in,
)
from tests.serving import called

if TYPE_CHECKING:
    from meshkit.nats import Bus

    Stub = metadata_pb2_grpc.MetadataServiceAsyncStub


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


async def test_what_is_told_of_an_asset_comes_after_it_is_ready(bus: Bus, assets: Stub, tenant: str) -> None:
    upload = an_upload(tenant)
    await taken_in(bus, assets, upload)
    job = a_job(upload)
    told = job.outputs.add(id=new_id(), kind="file", name="analysis.json", state=JobOutput.STATE_PREPARING)
    await say(bus, jobs.JobReady(job=job), job.id)
    ready = await come_to(assets, upload.asset_id, Asset.STATE_READY)
    states = metadata_pb2.Output
    assert [output.state for output in ready.outputs] == [states.STATE_READY, states.STATE_PREPARING]
    told.state = JobOutput.STATE_READY
    await say(bus, jobs.JobSucceeded(job=job), job.id)
    await said(bus, upload.asset_id, "created", "ready", "updated")
    assert {output.state for output in (await get(assets, upload.asset_id)).outputs} == {states.STATE_READY}


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
