"""What uploads and jobs say to the metadata service, and what it makes of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import pytest
from grpc.aio import AioRpcError
from reelmesh.metadata.v1 import metadata_pb2, metadata_pb2_grpc
from reelmesh.transcode.v1 import transcode_pb2
from reelmesh.upload.v1 import upload_events_pb2, upload_pb2

from meshkit import outbox
from meshkit.grpc import status
from meshkit.ids import new_id
from tests.eventually import eventually

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from google.protobuf.message import Message

    from meshkit.nats import Bus

    Stub = metadata_pb2_grpc.MetadataServiceAsyncStub


ALL = ("assets:read", "assets:write", "playback:read")


TIMEOUT = 10.0


Asset = metadata_pb2.Asset


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


async def history(assets: Stub, asset_id: str) -> list[str]:
    request = metadata_pb2.ListAssetEventsRequest(asset_id=asset_id)
    return [event.type for event in (await assets.ListAssetEvents(request, timeout=TIMEOUT)).events]
