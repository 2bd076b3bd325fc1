"""What uploads and jobs say, taken in."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from reelmesh.transcode.v1 import transcode_events_pb2 as jobs
from reelmesh.upload.v1.upload_events_pb2 import UploadCompleted

from meshkit.consume import Consumer
from meshkit.topology import durable
from services.metadata import wire
from services.metadata.domain import Asset

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from google.protobuf.message import Message

    from meshkit.consume import Delivery
    from meshkit.db import Database
    from meshkit.nats import Bus
    from services.metadata.jobs import Job
    from services.metadata.service import Assets

    JobEvent = (
        jobs.JobStarted
        | jobs.JobProbed
        | jobs.JobPlayable
        | jobs.JobReady
        | jobs.JobSucceeded
        | jobs.JobFailed
        | jobs.JobCancelled
    )

UPLOADS: dict[str, type[Message]] = {"completed": UploadCompleted}
JOBS: dict[str, tuple[type[JobEvent], Callable[[Asset, Job, datetime], Asset]]] = {
    "job_started": (jobs.JobStarted, Asset.start),
    "job_probed": (jobs.JobProbed, Asset.start),
    "job_playable": (jobs.JobPlayable, Asset.play),
    "job_ready": (jobs.JobReady, Asset.succeed),
    "job_succeeded": (jobs.JobSucceeded, Asset.succeed),
    "job_failed": (jobs.JobFailed, Asset.fail),
    "job_cancelled": (jobs.JobCancelled, Asset.cancel),
}
_TRANSITIONS = dict(JOBS.values())


def of_uploads(bus: Bus, db: Database, assets: Assets) -> Consumer:
    return Consumer(bus, db, durable("metadata", "upload", "completed"), UPLOADS, partial(take_upload, assets))


async def take_upload(assets: Assets, said: UploadCompleted, delivery: Delivery) -> None:
    await assets.take_in(wire.from_upload(said.upload), delivery)


def of_jobs(bus: Bus, db: Database, assets: Assets) -> Consumer:
    events: dict[str, type[Message]] = {name: kind for name, (kind, _) in JOBS.items()}
    return Consumer(bus, db, durable("metadata", "transcode"), events, partial(take_job_fact, assets))


async def take_job_fact(assets: Assets, said: JobEvent, delivery: Delivery) -> None:
    await assets.follow(wire.from_job(said.job), _TRANSITIONS[type(said)], delivery)
