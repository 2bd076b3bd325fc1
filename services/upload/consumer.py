"""What jobs say of the files that came in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reelmesh.transcode.v1.transcode_events_pb2 import JobFailed

from meshkit.consume import Consumer
from meshkit.topology import durable

if TYPE_CHECKING:
    from meshkit.consume import Delivery
    from meshkit.db import Database
    from meshkit.nats import Bus
    from services.upload.service import Uploads

CONTRADICTIONS = frozenset({"checksum_mismatch"})
"""Failures of a job that are the upload's: the bytes are not what was declared."""


def consumer(bus: Bus, db: Database, uploads: Uploads) -> Consumer:
    async def on_failed(event: JobFailed, _: Delivery) -> None:
        # Needs no inbox: an upload that failed stays as it is.
        job = event.job
        if job.error_code in CONTRADICTIONS:
            await uploads.contradict(job.tenant_id, job.asset_id, job.error_code, job.error_message)

    return Consumer(bus, db, durable("upload", "transcode", "job_failed"), {"job_failed": JobFailed}, on_failed)
