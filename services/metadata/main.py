"""Wire the metadata service."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reelmesh.metadata.v1 import metadata_pb2_grpc

from meshkit.credentials import identity_at
from meshkit.db import Database
from meshkit.grpc.server import GrpcServer
from meshkit.nats import connected
from meshkit.outbox import Relay
from meshkit.run import every, until
from meshkit.settings import DatabaseSettings, GrpcSettings, NatsSettings
from services.metadata import consumer, grpc_api
from services.metadata.service import Assets
from services.metadata.store import PostgresStore

if TYPE_CHECKING:
    import asyncio

HOUR = 3600.0


class Settings(GrpcSettings, DatabaseSettings, NatsSettings):
    identity_addr: str


async def main(settings: Settings, stop: asyncio.Event) -> None:
    db = Database(settings.database_url)
    assets = Assets(PostgresStore(db))
    async with connected(settings.nats_url, "metadata") as bus, identity_at(settings.identity_addr) as identity:
        relay = Relay(db, bus, "metadata")
        server = GrpcServer(settings, identity.verifier(), grpc_api.SCOPES)
        server.add(
            grpc_api.MetadataApi(assets),
            metadata_pb2_grpc.add_MetadataServiceServicer_to_server,
            grpc_api.SERVICE.full_name,
        )
        uploads, jobs = consumer.of_uploads(bus, db, assets), consumer.of_jobs(bus, db, assets)
        async with server.serving():
            await until(stop, relay.run(), uploads.run(), jobs.run(), every(HOUR, relay.purge))
    await db.close()
