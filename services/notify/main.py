"""Wire the notify service."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from functools import partial
from typing import Annotated

from pydantic import Field
from reelmesh.notify.v1 import analysis_pb2_grpc, notify_pb2_grpc, webhook_pb2_grpc

from meshkit.addresses import resolve_public
from meshkit.credentials import OwnToken, identity_at
from meshkit.db import Database
from meshkit.grpc.server import GrpcServer
from meshkit.nats import connected
from meshkit.outbox import Relay
from meshkit.run import every, until
from meshkit.settings import DatabaseSettings, GrpcSettings, NatsSettings
from meshkit.watch import EVERY, Watch
from services.notify import analysis, analysis_api, consumer, grpc_api, webhook_api
from services.notify.analyses import Analyses
from services.notify.analysis_hooks import AnalysisHooks
from services.notify.assets import assets_at
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
    metadata_addr: str
    service_key: str
    heartbeat_seconds: float = HEARTBEAT
    webhook_allow_loopback: bool = False
    """For development: receivers may listen on this machine."""
    webhook_timeout: float = TIMEOUT
    analysis_timeout: Annotated[float, Field(gt=0)] = analysis.TIMEOUT
    analysis_schedule: Annotated[tuple[float, ...], Field(min_length=1)] = analysis.SCHEDULE
    """Seconds that each attempt of an analysis comes after the one before."""


async def main(settings: Settings, stop: asyncio.Event) -> None:
    db, due = Database(settings.database_url), asyncio.Event()
    store = PostgresStore(db, due)
    resolve = partial(resolve_public, allow_loopback=settings.webhook_allow_loopback)
    async with (
        connected(settings.nats_url, "notify", replicas=settings.nats_replicas) as bus,
        identity_at(settings.identity_addr) as identity,
        http_receivers(resolve, settings.webhook_timeout) as receivers,
        assets_at(settings.metadata_addr, OwnToken(identity, settings.service_key)) as assets,
    ):
        events = Events(store, SharedFeed(JetStreamFeed(bus)), settings.heartbeat_seconds)
        analyses = Analyses(receivers, assets, settings.analysis_timeout, settings.analysis_schedule)
        deliveries = Deliveries(store, receivers, analyses, timedelta(seconds=2 * settings.webhook_timeout))
        relay = Relay(db, bus, "notify")
        scopes = grpc_api.SCOPES | webhook_api.SCOPES | analysis_api.SCOPES
        server = GrpcServer(settings, identity.verifier(), scopes)
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
        server.add(
            analysis_api.AnalysisHookApi(AnalysisHooks(store, receivers)),
            analysis_pb2_grpc.add_AnalysisHookServiceServicer_to_server,
            analysis_api.SERVICE.full_name,
        )
        heard = [each.run() for each in consumer.consumers(bus, db, events)]
        purges = (every(HOUR, relay.purge), every(HOUR, deliveries.purge))
        watch = every(EVERY, Watch(db, bus, "notify").look)
        async with server.serving():
            await until(stop, relay.run(), Sender(deliveries, due).run(), *heard, *purges, watch)
            events.end()
    await db.close()
