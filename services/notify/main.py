"""Wire the notify service."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reelmesh.notify.v1 import notify_pb2_grpc

from meshkit.credentials import identity_at
from meshkit.db import Database
from meshkit.grpc.server import GrpcServer
from meshkit.nats import connected
from meshkit.outbox import Relay
from meshkit.run import every, until
from meshkit.settings import DatabaseSettings, GrpcSettings, NatsSettings
from services.notify import consumer, grpc_api
from services.notify.channels import JetStreamFeed
from services.notify.service import HEARTBEAT, Events
from services.notify.store import PostgresStore

if TYPE_CHECKING:
    import asyncio

HOUR = 3600.0


class Settings(GrpcSettings, DatabaseSettings, NatsSettings):
    identity_addr: str
    heartbeat_seconds: float = HEARTBEAT


async def main(settings: Settings, stop: asyncio.Event) -> None:
    db = Database(settings.database_url)
    async with connected(settings.nats_url, "notify") as bus, identity_at(settings.identity_addr) as identity:
        events = Events(PostgresStore(db), JetStreamFeed(bus), settings.heartbeat_seconds)
        relay = Relay(db, bus, "notify")
        server = GrpcServer(settings, identity.verifier(), grpc_api.SCOPES)
        server.add(
            grpc_api.NotifyApi(events),
            notify_pb2_grpc.add_NotifyServiceServicer_to_server,
            grpc_api.SERVICE.full_name,
        )
        heard = [each.run() for each in consumer.consumers(bus, db, events)]
        async with server.serving():
            await until(stop, relay.run(), *heard, every(HOUR, relay.purge))
            events.end()
    await db.close()
