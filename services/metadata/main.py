"""Wire the metadata service."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import BeforeValidator, Field
from reelmesh.metadata.v1 import analysis_pb2_grpc, audit_pb2_grpc, metadata_pb2_grpc

from meshkit.credentials import identity_at
from meshkit.db import Database
from meshkit.grpc.server import GrpcServer
from meshkit.nats import connected
from meshkit.objects import Objects
from meshkit.outbox import Relay
from meshkit.run import every, until
from meshkit.settings import DatabaseSettings, GrpcSettings, NatsSettings, S3Settings
from meshkit.watch import EVERY, Watch
from services.metadata import analysis_api, audit_api, consumer, grpc_api
from services.metadata.analyses import Analyses
from services.metadata.objects import S3Objects
from services.metadata.policy import Policy
from services.metadata.removals import Removals
from services.metadata.retention import Retention
from services.metadata.service import Assets
from services.metadata.store import PostgresStore
from services.metadata.trail import Trail
from services.metadata.votes import Votes

if TYPE_CHECKING:
    import asyncio

HOUR = 3600.0
_Days = Annotated[int, Field(ge=0, le=36_500)]
Days = Annotated[_Days | None, BeforeValidator(lambda said: None if said == "forever" else said)]


class Settings(GrpcSettings, DatabaseSettings, NatsSettings, S3Settings):
    """Retention is that of tenants without a policy of their own."""

    identity_addr: str
    retention_original_days: Days = None
    retention_deleted_days: Days = 30
    sweep_interval: float = Field(default=5.0, ge=0.1)
    """Seconds between two looks at what is to be removed."""

    @property
    def policy(self) -> Policy:
        return Policy(original_days=self.retention_original_days, deleted_days=self.retention_deleted_days)


async def main(settings: Settings, stop: asyncio.Event) -> None:
    db = Database(settings.database_url)
    store = PostgresStore(db)
    assets, votes, retention = Assets(store), Votes(store), Retention(store, settings.policy)
    objects = S3Objects(Objects(settings))
    removals, analyses = Removals(store, objects), Analyses(store, objects)
    async with (
        connected(settings.nats_url, "metadata", replicas=settings.nats_replicas) as bus,
        identity_at(settings.identity_addr) as identity,
    ):
        relay = Relay(db, bus, "metadata")
        scopes = grpc_api.SCOPES | audit_api.SCOPES | analysis_api.SCOPES
        server = GrpcServer(settings, identity.verifier(), scopes)
        server.add(
            grpc_api.MetadataApi(assets, votes, retention, analyses),
            metadata_pb2_grpc.add_MetadataServiceServicer_to_server,
            grpc_api.SERVICE.full_name,
        )
        server.add(
            audit_api.AuditApi(Trail(store)),
            audit_pb2_grpc.add_AuditServiceServicer_to_server,
            audit_api.SERVICE.full_name,
        )
        server.add(
            analysis_api.AnalysisApi(analyses),
            analysis_pb2_grpc.add_AnalysisServiceServicer_to_server,
            analysis_api.SERVICE.full_name,
        )
        uploads, jobs = consumer.of_uploads(bus, db, assets), consumer.of_jobs(bus, db, assets)
        async with server.serving():
            await until(
                stop,
                relay.run(),
                uploads.run(),
                jobs.run(),
                every(settings.sweep_interval, removals.run_once),
                every(settings.sweep_interval * 6, retention.run_once),
                every(HOUR, relay.purge),
                every(EVERY, Watch(db, bus, "metadata").look),
            )
    await db.close()
