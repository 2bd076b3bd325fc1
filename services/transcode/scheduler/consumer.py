"""What the scheduler does on events."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reelmesh.metadata.v1 import metadata_events_pb2
from reelmesh.transcode.v1 import transcode_events_pb2
from reelmesh.upload.v1 import upload_events_pb2

from meshkit.consume import Consumer, Delivery
from meshkit.topology import durable
from services.transcode.scheduler import wire

if TYPE_CHECKING:
    from meshkit.db import Database
    from meshkit.nats import Bus
    from services.transcode.scheduler.jobs import Jobs
    from services.transcode.scheduler.publishing import Publishing


def consumers(bus: Bus, db: Database, jobs: Jobs, publishing: Publishing) -> list[Consumer]:
    async def on_uploaded(event: upload_events_pb2.UploadCompleted, delivery: Delivery) -> None:
        upload = event.upload
        await jobs.on_uploaded(
            wire.from_upload(upload), upload.id, upload.preset, delivery.consumer, delivery.message_id
        )

    async def on_deleted(event: metadata_events_pb2.AssetDeleted, delivery: Delivery) -> None:
        await jobs.on_deleted(event.asset.tenant_id, event.asset.id, delivery.consumer, delivery.message_id)

    async def on_grown(event: transcode_events_pb2.JobGrown, _: Delivery) -> None:
        # Needs no inbox: publishing what is published already does nothing.
        await publishing.publish(event.job_id)

    return [
        Consumer(
            bus,
            db,
            durable("transcode", "upload", "completed"),
            {"completed": upload_events_pb2.UploadCompleted},
            on_uploaded,
        ),
        Consumer(
            bus,
            db,
            durable("transcode", "metadata", "asset_deleted"),
            {"asset_deleted": metadata_events_pb2.AssetDeleted},
            on_deleted,
        ),
        Consumer(
            bus,
            db,
            durable("transcode", "transcode", "job_grown"),
            {"job_grown": transcode_events_pb2.JobGrown},
            on_grown,
        ),
    ]
