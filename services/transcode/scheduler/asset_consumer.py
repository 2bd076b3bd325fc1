"""What the scheduler does as assets come, go and come back, in the order in which they did."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reelmesh.metadata.v1 import metadata_events_pb2 as events
from reelmesh.metadata.v1 import metadata_pb2

from meshkit.consume import Consumer, Delivery
from meshkit.topology import durable
from services.transcode.scheduler import wire, wish_wire

if TYPE_CHECKING:
    from google.protobuf.message import Message

    from meshkit.db import Database
    from meshkit.nats import Bus
    from services.transcode.scheduler.jobs import Jobs

EVENTS: dict[str, type[Message]] = {
    "asset_created": events.AssetCreated,
    "asset_deleted": events.AssetDeleted,
    "asset_source_deleted": events.AssetSourceDeleted,
    "asset_restored": events.AssetRestored,
    "asset_purged": events.AssetPurged,
}


def of_assets(bus: Bus, db: Database, jobs: Jobs) -> Consumer:
    async def take(said: Message, delivery: Delivery) -> None:
        told = delivery.consumer, delivery.message_id
        match said:
            case events.AssetCreated(asset=asset):
                wish = wish_wire.from_options(asset.preset, asset.job)
                await jobs.on_uploaded(wire.from_asset(asset), asset.upload_id, wish, *told, asset.job_id)
            case events.AssetDeleted(asset=asset) | events.AssetSourceDeleted(asset=asset):
                await jobs.on_deleted(asset.tenant_id, asset.id, *told)
            case events.AssetRestored(asset=asset) if not asset.HasField("source_delete_time"):
                unfinished = asset.state == metadata_pb2.Asset.STATE_UPLOADED
                request_id = f"restore:{delivery.message_id}"
                wish = wish_wire.from_options(asset.preset, asset.job)
                await jobs.on_restored(wire.from_asset(asset), wish, request_id, *told, unfinished=unfinished)
            case events.AssetPurged():
                await jobs.on_purged(said.tenant_id, said.asset_id, *told)

    return Consumer(bus, db, durable("transcode", "metadata"), EVENTS, take)
