"""What a process asks of identity: the public keys, and an access token for its own key."""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from grpc.aio import AioRpcError
from reelmesh.identity.v1 import identity_pb2, identity_pb2_grpc

from meshkit.auth import Verifier
from meshkit.errors import Unauthenticated, Unavailable
from meshkit.grpc import client, status

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

TIMEOUT = 5.0
_RENEWED_BEFORE = 60.0


class Identity:
    """Identity as the other services see it."""

    def __init__(self, stub: identity_pb2_grpc.IdentityServiceAsyncStub) -> None:
        self._stub = stub

    async def jwks(self) -> str:
        """A JWK Set as JSON text. Raises Unavailable."""
        try:
            return (await self._stub.GetJwks(identity_pb2.GetJwksRequest(), timeout=TIMEOUT)).jwks_json
        except AioRpcError as error:
            raise Unavailable("identity_unavailable", str(status.from_rpc_error(error))) from error

    async def exchange(self, api_key: str) -> tuple[str, float]:
        """An access token for an API key, and when it expires (Unix seconds). Raises Unauthenticated, Unavailable."""
        request = identity_pb2.ExchangeApiKeyRequest(api_key=api_key)
        try:
            answer = await self._stub.ExchangeApiKey(request, timeout=TIMEOUT)
        except AioRpcError as error:
            raise status.from_rpc_error(error) from error
        return answer.access_token, answer.expire_time.ToSeconds()

    def verifier(self) -> Verifier:
        return Verifier(self.jwks)


@asynccontextmanager
async def identity_at(address: str) -> AsyncIterator[Identity]:
    async with client.channel(address, identity_pb2.DESCRIPTOR, client.no_token) as channel:
        yield Identity(identity_pb2_grpc.IdentityServiceStub(channel))


class OwnToken:
    """The access token of the process itself, renewed before it expires; call it to get one."""

    def __init__(self, identity: Identity, key: str) -> None:
        self._identity = identity
        self._key = key
        self._token = ""
        self._expires = 0.0
        self._lock = asyncio.Lock()

    async def __call__(self) -> str:
        """Raises Unavailable when identity cannot be asked, or does not know the key (yet)."""
        async with self._lock:
            if time.time() > self._expires - _RENEWED_BEFORE:
                try:
                    self._token, self._expires = await self._identity.exchange(self._key)
                except Unauthenticated as error:
                    raise Unavailable("identity_unavailable", str(error)) from error
        return self._token
