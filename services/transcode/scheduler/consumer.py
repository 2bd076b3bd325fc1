"""What the scheduler does on its own events."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reelmesh.transcode.v1 import transcode_events_pb2

from meshkit.consume import Consumer, Delivery
from meshkit.topology import durable

if TYPE_CHECKING:
    from meshkit.db import Database
    from meshkit.nats import Bus
    from services.transcode.scheduler.publishing import Publishing


def consumers(bus: Bus, db: Database, publishing: Publishing) -> list[Consumer]:
    async def on_grown(event: transcode_events_pb2.JobGrown, _: Delivery) -> None:
        # Needs no inbox: publishing what is published already does nothing.
        await publishing.publish(event.job_id)

    return [
        Consumer(
            bus,
            db,
            durable("transcode", "transcode", "job_grown"),
            {"job_grown": transcode_events_pb2.JobGrown},
            on_grown,
        ),
    ]
