"""Wire the transcode scheduler."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from pydantic import Field
from reelmesh.transcode.v1 import tenant_pb2_grpc, transcode_pb2_grpc, worker_pb2_grpc

from meshkit.credentials import identity_at
from meshkit.db import Database
from meshkit.grpc.server import GrpcServer
from meshkit.nats import connected
from meshkit.objects import Objects
from meshkit.outbox import Relay
from meshkit.run import every, until
from meshkit.settings import DatabaseSettings, GrpcSettings, Limit, NatsSettings, S3Settings
from meshkit.watch import EVERY, Watch
from services.transcode.scheduler import grpc_api, tenant_api, worker_api
from services.transcode.scheduler.allowances import Allowances
from services.transcode.scheduler.asset_consumer import of_assets
from services.transcode.scheduler.attempts import Attempts
from services.transcode.scheduler.channels import JetStreamQueue
from services.transcode.scheduler.collecting import Collecting
from services.transcode.scheduler.consumer import consumers
from services.transcode.scheduler.jobs import Jobs
from services.transcode.scheduler.objects import S3Playlists
from services.transcode.scheduler.observed import Waiting
from services.transcode.scheduler.presets import Presets
from services.transcode.scheduler.publishing import Publishing
from services.transcode.scheduler.quotas import Limits
from services.transcode.scheduler.reconciler import Reconciler
from services.transcode.scheduler.sharing import Sharing
from services.transcode.scheduler.shipped import shipped
from services.transcode.scheduler.store import PostgresStore
from services.transcode.scheduler.tasks import Tasks

if TYPE_CHECKING:
    import asyncio

MINUTE, HOUR = 60.0, 3600.0


class Settings(GrpcSettings, DatabaseSettings, NatsSettings, S3Settings):
    """Times in seconds."""

    identity_addr: str
    task_lease: float = Field(default=30.0, ge=2.0)
    reconcile_interval: float = Field(default=2.0, ge=1.0)
    quota_concurrent_jobs: Limit = None
    quota_encode_minutes: Limit = None
    """Of tenants that the operator gave no limit of their own; minutes by the month."""

    @property
    def limits(self) -> Limits:
        return Limits(concurrent_jobs=self.quota_concurrent_jobs, encode_minutes=self.quota_encode_minutes)


async def main(settings: Settings, stop: asyncio.Event) -> None:
    db = Database(settings.database_url, pool_size=16, planned_once=True)
    store = PostgresStore(db, settings.limits)
    presets = Presets(shipped(), store)
    jobs, allowances = Jobs(store, presets), Allowances(store, settings.limits)
    lease = timedelta(seconds=settings.task_lease)
    tasks = Tasks(store, lease)
    objects = Objects(settings)
    collecting = Collecting(store, objects)
    attempts = Attempts(store)
    publishing = Publishing(store, S3Playlists(objects), collecting)
    async with (
        connected(settings.nats_url, "transcode", replicas=settings.nats_replicas) as bus,
        identity_at(settings.identity_addr) as identity,
    ):
        relay = Relay(db, bus, "transcode")
        reconciler = Reconciler(store, JetStreamQueue(bus), tasks, publishing, grace=lease)
        server = GrpcServer(settings, identity.verifier(), grpc_api.SCOPES | tenant_api.SCOPES | worker_api.SCOPES)
        server.add(
            grpc_api.TranscodeApi(jobs, presets, attempts),
            transcode_pb2_grpc.add_TranscodeServiceServicer_to_server,
            grpc_api.SERVICE.full_name,
        )
        server.add(
            worker_api.WorkerApi(tasks, attempts),
            worker_pb2_grpc.add_WorkerServiceServicer_to_server,
            worker_api.SERVICE.full_name,
        )
        server.add(
            tenant_api.TenantApi(allowances),
            tenant_pb2_grpc.add_TenantServiceServicer_to_server,
            tenant_api.SERVICE.full_name,
        )
        async with server.serving():
            await until(
                stop,
                relay.run(),
                every(settings.reconcile_interval, reconciler.run_once),
                every(settings.reconcile_interval, allowances.admit),
                every(settings.reconcile_interval, Sharing(store, objects).run_once),
                every(HOUR, relay.purge),
                every(HOUR, attempts.forget),
                every(MINUTE, collecting.sweep),
                every(EVERY, Watch(db, bus, "transcode").look),
                every(EVERY, Waiting(db).look),
                of_assets(bus, db, jobs).run(),
                *(each.run() for each in consumers(bus, db, publishing)),
            )
    await db.close()
