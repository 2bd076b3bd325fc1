"""Assets that go, for a while or for good."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from reelmesh.metadata.v1 import metadata_pb2, metadata_pb2_grpc
from reelmesh.transcode.v1 import transcode_events_pb2 as jobs

from meshkit.errors import NotFound
from tests.eventually import eventually
from tests.integration.metadata.steps import (
    TIMEOUT,
    Asset,
    a_job,
    an_upload,
    come_to,
    get,
    history,
    refusal,
    said,
    say,
    taken_in,
)

if TYPE_CHECKING:
    from meshkit.nats import Bus
    from meshkit.objects import Objects

    Stub = metadata_pb2_grpc.MetadataServiceAsyncStub


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
