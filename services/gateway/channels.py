"""The services behind the gateway, called as whoever called it."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from grpc.aio import AioRpcError
from grpc_health.v1 import health_pb2, health_pb2_grpc
from reelmesh.identity.v1 import identity_pb2, identity_pb2_grpc
from reelmesh.metadata.v1 import audit_pb2, audit_pb2_grpc, metadata_pb2, metadata_pb2_grpc
from reelmesh.notify.v1 import (
    analysis_pb2,
    analysis_pb2_grpc,
    notify_pb2,
    notify_pb2_grpc,
    webhook_pb2,
    webhook_pb2_grpc,
)
from reelmesh.transcode.v1 import tenant_pb2, tenant_pb2_grpc, transcode_pb2, transcode_pb2_grpc
from reelmesh.upload.v1 import upload_pb2, upload_pb2_grpc

from meshkit.auth import caller
from meshkit.grpc import client

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Mapping

    import grpc.aio

TIMEOUT = 5.0
COMPLETE_TIMEOUT = 25.0
"""The object store joins up to ten thousand parts while it runs."""
HEALTH_TIMEOUT = 2.0


class Addresses(Protocol):
    @property
    def identity_addr(self) -> str: ...
    @property
    def upload_addr(self) -> str: ...
    @property
    def metadata_addr(self) -> str: ...
    @property
    def transcode_addr(self) -> str: ...
    @property
    def notify_addr(self) -> str: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    identity: identity_pb2_grpc.IdentityServiceAsyncStub
    accounts: identity_pb2_grpc.IdentityServiceAsyncStub
    """Identity, called as the gateway itself: who logs in has no access token yet."""
    upload: upload_pb2_grpc.UploadServiceAsyncStub
    metadata: metadata_pb2_grpc.MetadataServiceAsyncStub
    audit: audit_pb2_grpc.AuditServiceAsyncStub
    transcode: transcode_pb2_grpc.TranscodeServiceAsyncStub
    tenants: tenant_pb2_grpc.TenantServiceAsyncStub
    notify: notify_pb2_grpc.NotifyServiceAsyncStub
    webhooks: webhook_pb2_grpc.WebhookServiceAsyncStub
    analysis: analysis_pb2_grpc.AnalysisHookServiceAsyncStub
    resolver: metadata_pb2_grpc.MetadataServiceAsyncStub
    """Metadata, called as the gateway itself: a player has no access token."""
    appender: upload_pb2_grpc.UploadServiceAsyncStub
    """Upload, called as the gateway itself: a stream may outlive its caller's token."""
    health: Mapping[str, Any]

    async def unready(self) -> list[str]:
        """Names of the services that do not say that they serve."""
        answers = await asyncio.gather(*map(_serves, self.health.values()))
        return [name for name, serves in zip(self.health, answers, strict=True) if not serves]


@asynccontextmanager
async def services_at(at: Addresses, own_token: Callable[[], Awaitable[str]]) -> AsyncIterator[Services]:
    async with AsyncExitStack() as stack:

        async def channel(address: str, file: Any, token: Any = _callers_token) -> grpc.aio.Channel:
            return await stack.enter_async_context(client.channel(address, file, token))

        async def health(address: str) -> Any:
            return health_pb2_grpc.HealthStub(await channel(address, health_pb2.DESCRIPTOR, client.no_token))

        yield Services(
            identity=identity_pb2_grpc.IdentityServiceStub(await channel(at.identity_addr, identity_pb2.DESCRIPTOR)),
            accounts=identity_pb2_grpc.IdentityServiceStub(
                await channel(at.identity_addr, identity_pb2.DESCRIPTOR, own_token)
            ),
            upload=upload_pb2_grpc.UploadServiceStub(await channel(at.upload_addr, upload_pb2.DESCRIPTOR)),
            metadata=metadata_pb2_grpc.MetadataServiceStub(await channel(at.metadata_addr, metadata_pb2.DESCRIPTOR)),
            audit=audit_pb2_grpc.AuditServiceStub(await channel(at.metadata_addr, audit_pb2.DESCRIPTOR)),
            transcode=transcode_pb2_grpc.TranscodeServiceStub(
                await channel(at.transcode_addr, transcode_pb2.DESCRIPTOR)
            ),
            tenants=tenant_pb2_grpc.TenantServiceStub(await channel(at.transcode_addr, tenant_pb2.DESCRIPTOR)),
            notify=notify_pb2_grpc.NotifyServiceStub(await channel(at.notify_addr, notify_pb2.DESCRIPTOR)),
            webhooks=webhook_pb2_grpc.WebhookServiceStub(await channel(at.notify_addr, webhook_pb2.DESCRIPTOR)),
            analysis=analysis_pb2_grpc.AnalysisHookServiceStub(await channel(at.notify_addr, analysis_pb2.DESCRIPTOR)),
            resolver=metadata_pb2_grpc.MetadataServiceStub(
                await channel(at.metadata_addr, metadata_pb2.DESCRIPTOR, own_token)
            ),
            appender=upload_pb2_grpc.UploadServiceStub(await channel(at.upload_addr, upload_pb2.DESCRIPTOR, own_token)),
            health={
                "identity": await health(at.identity_addr),
                "upload": await health(at.upload_addr),
                "metadata": await health(at.metadata_addr),
                "transcode": await health(at.transcode_addr),
                "notify": await health(at.notify_addr),
            },
        )


async def _callers_token() -> str:
    return caller().token


async def _serves(stub: Any) -> bool:
    try:
        answer = await stub.Check(health_pb2.HealthCheckRequest(), timeout=HEALTH_TIMEOUT)
    except AioRpcError:
        return False
    return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)
