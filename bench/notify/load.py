"""Facts at a steady rate, as the relay of another service would publish them."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from reelmesh.metadata.v1 import metadata_events_pb2, metadata_pb2

from meshkit import outbox
from meshkit.ids import new_id

if TYPE_CHECKING:
    from collections.abc import Sequence

    from meshkit.nats import Bus


async def tell(bus: Bus, tenant_id: str, assets: Sequence[str], *, rate: float, seconds: float) -> dict[str, float]:
    """When (monotonic) each event was published, by its id; about the assets in turn."""
    began, told = time.monotonic(), dict[str, float]()
    async with asyncio.TaskGroup() as group:
        for number in range(int(rate * seconds)):
            await asyncio.sleep(max(began + number / rate - time.monotonic(), 0))
            event_id = new_id()
            told[event_id] = time.monotonic()
            group.create_task(_publish(bus, tenant_id, assets[number % len(assets)], event_id))
    return told


async def _publish(bus: Bus, tenant_id: str, asset_id: str, event_id: str) -> None:
    # The passthrough tells a reader of the feed which event it is: its id there is another.
    asset = metadata_pb2.Asset(id=asset_id, tenant_id=tenant_id, passthrough=event_id, file_name="match.mp4", size=1)
    asset.update_time.GetCurrentTime()
    fact = metadata_events_pb2.AssetReady(asset=asset)
    subject, headers = outbox.subject_of(fact, asset_id), {outbox.EVENT_ID: event_id}
    await bus.publish(subject, fact.SerializeToString(), headers, event_id)
