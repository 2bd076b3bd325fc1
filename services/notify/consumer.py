"""What the other services say, taken in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reelmesh.metadata.v1 import metadata_events_pb2 as assets
from reelmesh.transcode.v1 import transcode_events_pb2 as jobs
from reelmesh.upload.v1 import upload_events_pb2 as uploads

from meshkit.consume import Consumer
from meshkit.topology import durable
from services.notify import wire

if TYPE_CHECKING:
    from collections.abc import Mapping

    from google.protobuf.message import Message

    from meshkit.consume import Delivery
    from meshkit.db import Database
    from meshkit.nats import Bus
    from services.notify.service import Events

PUBLIC: Mapping[str, Mapping[str, tuple[type[Message], str]]] = {
    "upload": {
        "completed": (uploads.UploadCompleted, "upload.completed"),
        "failed": (uploads.UploadFailed, "upload.failed"),
        "progressed": (uploads.UploadProgressed, "upload.progress"),
    },
    "metadata": {
        "asset_created": (assets.AssetCreated, "asset.created"),
        "asset_playable": (assets.AssetPlayable, "asset.playable"),
        "asset_ready": (assets.AssetReady, "asset.ready"),
        "asset_failed": (assets.AssetFailed, "asset.failed"),
        "asset_deleted": (assets.AssetDeleted, "asset.deleted"),
    },
    "transcode": {
        "job_started": (jobs.JobStarted, "job.started"),
        "job_progressed": (jobs.JobProgressed, "job.progress"),
        "job_succeeded": (jobs.JobSucceeded, "job.succeeded"),
        "job_failed": (jobs.JobFailed, "job.failed"),
        "job_cancelled": (jobs.JobCancelled, "job.cancelled"),
    },
}
"""The facts of each publisher that are told outside, and the type by which they are."""


def consumers(bus: Bus, db: Database, events: Events) -> list[Consumer]:
    return [_consumer(bus, db, events, publisher) for publisher in PUBLIC]


def _consumer(bus: Bus, db: Database, events: Events, publisher: str) -> Consumer:
    types = dict(PUBLIC[publisher].values())

    async def take(fact: Message, delivery: Delivery) -> None:
        await events.take_in(wire.from_fact(types[type(fact)], fact), delivery)

    facts = {name: message for name, (message, _) in PUBLIC[publisher].items()}
    return Consumer(bus, db, durable("notify", publisher), facts, take)
