"""A service as its own `main` wires it, in the test's process, and the identity that it asks."""

from __future__ import annotations

import asyncio
import socket
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, TypeVar

import grpc.aio
from grpc_health.v1 import health_pb2, health_pb2_grpc
from reelmesh.identity.v1 import identity_pb2, identity_pb2_grpc

from meshkit.errors import Unauthenticated
from meshkit.grpc import client
from meshkit.grpc.server import PUBLIC, GrpcServer, service_scopes
from meshkit.ids import new_id
from meshkit.settings import GrpcSettings
from tests import tokens

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Mapping

    from google.protobuf.descriptor import FileDescriptor

S = TypeVar("S", bound=GrpcSettings)
_IDENTITY = identity_pb2.DESCRIPTOR.services_by_name["IdentityService"]


class KeysOnly(identity_pb2_grpc.IdentityServiceServicer):
    """Knows the key that signs test tokens, and of API keys only those that it was told, with a scope each."""

    def __init__(self, holders: Mapping[str, str]) -> None:
        self._holders = holders

    async def ExchangeApiKey(self, request: Any, context: Any) -> identity_pb2.ExchangeApiKeyResponse:
        if request.api_key not in self._holders:
            raise Unauthenticated("invalid_api_key")
        answer = identity_pb2.ExchangeApiKeyResponse(
            access_token=tokens.token(new_id(), self._holders[request.api_key])
        )
        answer.expire_time.FromSeconds(int(time.time()) + 300)
        return answer

    async def GetJwks(self, request: Any, context: Any) -> identity_pb2.GetJwksResponse:
        return identity_pb2.GetJwksResponse(jwks_json=await tokens.jwks())


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@asynccontextmanager
async def identity_server(holders: Mapping[str, str] | None = None) -> AsyncIterator[str]:
    """Its address."""
    scopes = service_scopes(_IDENTITY, **{method.name: PUBLIC for method in _IDENTITY.methods})
    server = GrpcServer(GrpcSettings(grpc_port=0), tokens.verifier(), scopes)
    server.add(
        KeysOnly(holders or {}),  # type: ignore[abstract]  # the rest answers that it is unimplemented
        identity_pb2_grpc.add_IdentityServiceServicer_to_server,
        _IDENTITY.full_name,
    )
    async with server.serving():
        yield f"127.0.0.1:{server.port}"


@asynccontextmanager
async def serving(main: Callable[[S, asyncio.Event], Awaitable[None]], settings: S) -> AsyncIterator[str]:
    """Run `main` until the end of the block; gives its address once it is healthy."""
    stop = asyncio.Event()
    address = f"127.0.0.1:{settings.grpc_port}"
    async with asyncio.TaskGroup() as group:
        running = group.create_task(_until(main(settings, stop)))
        try:
            await _healthy(address, running)
            yield address
        finally:
            stop.set()


@asynccontextmanager
async def called(address: str, file: FileDescriptor, tenant_id: str, *scopes: str) -> AsyncIterator[grpc.aio.Channel]:
    """A channel whose calls carry a token of that tenant."""
    value = tokens.token(tenant_id, *scopes)

    async def token() -> str:
        return value

    async with client.channel(address, file, token) as channel:
        yield channel


async def _healthy(address: str, running: asyncio.Task[None]) -> None:
    async with grpc.aio.insecure_channel(address) as channel:
        stub: Any = health_pb2_grpc.HealthStub(channel)
        call = stub.Check(health_pb2.HealthCheckRequest(), timeout=20, wait_for_ready=True)
        check = asyncio.ensure_future(call)
        await asyncio.wait({check, running}, return_when=asyncio.FIRST_COMPLETED)
        if running.done():
            await running
        await check


async def _until(main: Awaitable[None]) -> None:
    await main
