"""Wire the notify service."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from functools import partial

from reelmesh.notify.v1 import notify_pb2_grpc, webhook_pb2_grpc

from meshkit.addresses import resolve_public
from meshkit.credentials import identity_at
from meshkit.db import Database
from meshkit.grpc.server import GrpcServer
from meshkit.nats import connected
from meshkit.outbox import Relay
from meshkit.run import every, until
from meshkit.settings import DatabaseSettings, GrpcSettings, NatsSettings
from meshkit.watch import EVERY, Watch
from services.notify import consumer, grpc_api, webhook_api
from services.notify.channels import JetStreamFeed
from services.notify.deliveries import Deliveries
from services.notify.hub import SharedFeed
from services.notify.receivers import TIMEOUT, http_receivers
from services.notify.sender import Sender
from services.notify.service import HEARTBEAT, Events
from services.notify.store import PostgresStore
from services.notify.webhooks import Webhooks

HOUR = 3600.0


class Settings(GrpcSettings, DatabaseSettings, NatsSettings):
    identity_addr: str
    heartbeat_seconds: float = HEARTBEAT
    webhook_allow_loopback: bool = False
    """For development: receivers may listen on this machine."""
    webhook_timeout: float = TIMEOUT


async def main(settings: Settings, stop: asyncio.Event) -> None:
    db, due = Database(settings.database_url), asyncio.Event()
    store = PostgresStore(db, due)
    resolve = partial(resolve_public, allow_loopback=settings.webhook_allow_loopback)
    async with (
        connected(settings.nats_url, "notify", replicas=settings.nats_replicas) as bus,
        identity_at(settings.identity_addr) as identity,
        http_receivers(resolve, settings.webhook_timeout) as receivers,
    ):
        events = Events(store, SharedFeed(JetStreamFeed(bus)), settings.heartbeat_seconds)
        deliveries = Deliveries(store, receivers, timedelta(seconds=2 * settings.webhook_timeout))
        relay = Relay(db, bus, "notify")
        server = GrpcServer(settings, identity.verifier(), grpc_api.SCOPES | webhook_api.SCOPES)
        server.add(
            grpc_api.NotifyApi(events),
            notify_pb2_grpc.add_NotifyServiceServicer_to_server,
            grpc_api.SERVICE.full_name,
        )
        server.add(
            webhook_api.WebhookApi(Webhooks(store, receivers)),
            webhook_pb2_grpc.add_WebhookServiceServicer_to_server,
            webhook_api.SERVICE.full_name,
        )
        heard = [each.run() for each in consumer.consumers(bus, db, events)]
        purges = (every(HOUR, relay.purge), every(HOUR, deliveries.purge))
        watch = every(EVERY, Watch(db, bus, "notify").look)
        async with server.serving():
            await until(stop, relay.run(), Sender(deliveries, due).run(), *heard, *purges, watch)
            events.end()
    await db.close()
