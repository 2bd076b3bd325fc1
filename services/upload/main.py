"""Wire the upload service."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import AfterValidator, Field
from reelmesh.upload.v1 import upload_pb2_grpc

from meshkit.credentials import identity_at
from meshkit.db import Database
from meshkit.grpc.server import GrpcServer
from meshkit.nats import connected
from meshkit.objects import Objects
from meshkit.outbox import Relay
from meshkit.run import every, until
from meshkit.settings import DatabaseSettings, GrpcSettings, Limit, NatsSettings, S3Settings
from meshkit.storing import storing
from meshkit.watch import EVERY, Watch
from services.upload import grpc_api
from services.upload.appends import Appends
from services.upload.channels import web
from services.upload.consumer import consumers
from services.upload.fetches import Fetches
from services.upload.formats import Policy
from services.upload.keys import Layout, checked
from services.upload.objects import S3Objects
from services.upload.progress import Observer
from services.upload.quotas import Limits
from services.upload.service import Uploads
from services.upload.store import PostgresStore
from services.upload.tenants import Tenants

if TYPE_CHECKING:
    import asyncio

HOUR = 3600.0
Template = Annotated[str, AfterValidator(checked)]


class Settings(GrpcSettings, DatabaseSettings, NatsSettings, S3Settings):
    identity_addr: str
    upload_policy: Policy = Policy()
    """What may come in, as JSON: `max_size` in bytes, `formats` as in `formats.FORMATS`."""
    fetch_loopback: bool | None = None
    """Whether files are fetched from this machine too; when not said, in development alone."""
    fetch_seconds: float = 7200.0
    """What a file from a URL may take."""
    tenant_policies: dict[str, Policy] | None = None
    """By tenant id, what counts for that tenant instead."""
    object_key_template: Template = ""
    """A prefix of sources' keys, such as `athletes/{label.athlete_id}/{yyyy}/{mm}`."""
    tenant_key_templates: dict[str, Template] = Field(default={})
    """By tenant id, what counts for that tenant instead, unless its operator set another one."""
    quota_bytes_stored: Limit = None
    quota_uploads_per_day: Limit = None
    """Of tenants that the operator gave no limit of their own."""

    def policy_of(self, tenant_id: str) -> Policy:
        return (self.tenant_policies or {}).get(tenant_id, self.upload_policy)

    @property
    def layout(self) -> Layout:
        return Layout(template=self.object_key_template, tenants=self.tenant_key_templates)

    @property
    def limits(self) -> Limits:
        return Limits(bytes_stored=self.quota_bytes_stored, uploads_per_day=self.quota_uploads_per_day)

    @property
    def loopback(self) -> bool:
        return self.development if self.fetch_loopback is None else self.fetch_loopback


async def main(settings: Settings, stop: asyncio.Event) -> None:
    db = Database(settings.database_url)
    store = PostgresStore(db, settings.limits)
    async with (
        connected(settings.nats_url, "upload", replicas=settings.nats_replicas) as bus,
        identity_at(settings.identity_addr) as identity,
        storing(settings) as parts,
        web(allow_loopback=settings.loopback) as others,
    ):
        objects = S3Objects(Objects(settings), parts)
        uploads = Uploads(store, objects, settings.policy_of, layout=settings.layout)
        appends = Appends(store, objects, settings.policy_of)
        observer = Observer(store, objects)
        fetches = Fetches(store, objects, appends, others, parts, settings.policy_of, seconds=settings.fetch_seconds)
        relay = Relay(db, bus, "upload")
        server = GrpcServer(settings, identity.verifier(), grpc_api.SCOPES)
        server.add(
            grpc_api.UploadApi(uploads, appends, fetches, Tenants(store, settings.limits)),
            upload_pb2_grpc.add_UploadServiceServicer_to_server,
            grpc_api.SERVICE.full_name,
        )
        async with server.serving():
            await until(
                stop,
                relay.run(),
                every(30.0, uploads.expire_stale),
                every(1.0, observer.look),
                fetches.run(),
                *(each.run() for each in consumers(bus, db, uploads)),
                every(HOUR, relay.purge),
                every(EVERY, Watch(db, bus, "upload").look),
            )
    await db.close()
