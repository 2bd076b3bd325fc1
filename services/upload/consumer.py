"""What becomes of the files that came in, as jobs and assets say."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reelmesh.metadata.v1.metadata_events_pb2 import AssetPurged, AssetSourceDeleted
from reelmesh.transcode.v1.transcode_events_pb2 import JobFailed

from meshkit.consume import Consumer
from meshkit.topology import durable
from services.upload.domain import CONTRADICTIONS

if TYPE_CHECKING:
    from meshkit.consume import Delivery
    from meshkit.db import Database
    from meshkit.nats import Bus
    from services.upload.service import Uploads


def consumers(bus: Bus, db: Database, uploads: Uploads) -> list[Consumer]:
    """None needs an inbox: what they have done already, they do not do again."""

    async def on_failed(event: JobFailed, _: Delivery) -> None:
        job = event.job
        if job.error_code in CONTRADICTIONS:
            await uploads.contradict(job.tenant_id, job.asset_id, job.error_code, job.error_message)

    async def on_source_deleted(event: AssetSourceDeleted, _: Delivery) -> None:
        await uploads.free(event.asset.tenant_id, event.asset.id)

    async def on_purged(event: AssetPurged, _: Delivery) -> None:
        await uploads.forget(event.tenant_id, event.asset_id)

    return [
        Consumer(bus, db, durable("upload", "transcode", "job_failed"), {"job_failed": JobFailed}, on_failed),
        Consumer(
            bus,
            db,
            durable("upload", "metadata", "asset_source_deleted"),
            {"asset_source_deleted": AssetSourceDeleted},
            on_source_deleted,
        ),
        Consumer(bus, db, durable("upload", "metadata", "asset_purged"), {"asset_purged": AssetPurged}, on_purged),
    ]
