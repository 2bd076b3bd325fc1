"""A gRPC channel to a service of the mesh: a deadline on every call, the caller's token handed on, safe retries."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import grpc
import grpc.aio
from google.protobuf.descriptor_pb2 import MethodOptions

from meshkit import calls, telemetry
from meshkit.grpc import deadline, tls

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from google.protobuf.descriptor import FileDescriptor

    Token = Callable[[], Awaitable[str | None]]

_OPTIONS = [
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.max_pings_without_data", 0),
    ("grpc.initial_reconnect_backoff_ms", 200),
    ("grpc.max_reconnect_backoff_ms", 2_000),
    ("grpc.enable_retries", 1),
]


async def no_token() -> str | None:
    """For calls to methods that are public."""
    return None


def channel(address: str, file: FileDescriptor, token: Token) -> grpc.aio.Channel:
    """A channel for the services of one proto file; `token` gives the access token of each call."""
    interceptors = [_Unary(token), _Stream(token)]
    options = [*_OPTIONS, ("grpc.service_config", json.dumps(service_config(file)))]
    return tls.connect(f"dns:///{address}", options=options, interceptors=interceptors)


def service_config(file: FileDescriptor) -> dict[str, Any]:
    """Round robin, and retries when unavailable for the methods whose `idempotency_level` allows them."""
    names = [
        {"service": service.full_name, "method": method.name}
        for service in file.services_by_name.values()
        for method in service.methods
        if method.GetOptions().idempotency_level != MethodOptions.IDEMPOTENCY_UNKNOWN and not method.server_streaming
    ]
    policy = {
        "maxAttempts": 4,
        "initialBackoff": "0.1s",
        "maxBackoff": "1s",
        "backoffMultiplier": 2,
        "retryableStatusCodes": ["UNAVAILABLE"],
    }
    retried = [{"name": names, "retryPolicy": policy}] if names else []
    return {"loadBalancingConfig": [{"round_robin": {}}], "methodConfig": retried}


async def _prepared(
    details: grpc.aio.ClientCallDetails, token: Token, *, streaming: bool
) -> grpc.aio.ClientCallDetails:
    timeout = details.timeout if streaming else deadline.bounded(details.timeout)
    if timeout is None and not streaming:
        raise ValueError(f"{details.method!r} is called without a deadline")
    metadata = grpc.aio.Metadata(*(details.metadata or ()))
    if value := await token():
        metadata.add("authorization", f"Bearer {value}")
    for name, value in telemetry.inject().items():
        metadata.add(name, value)
    return grpc.aio.ClientCallDetails(details.method, timeout, metadata, details.credentials, details.wait_for_ready)


def _name(details: grpc.aio.ClientCallDetails) -> str:
    """As OpenTelemetry names it. grpc.aio has bytes there, whatever it says."""
    method: str | bytes = details.method
    return (method.decode() if isinstance(method, bytes) else method)[1:]


async def _code(call: grpc.aio.UnaryUnaryCall[Any, Any]) -> str:
    """How it ended. Who gives it up meanwhile cancels this wait, which is in front of it."""
    try:
        return (await call.code()).name
    except asyncio.CancelledError:
        call.cancel()
        raise


class _Unary(grpc.aio.UnaryUnaryClientInterceptor):
    def __init__(self, token: Token) -> None:
        self._token = token

    async def intercept_unary_unary(
        self, continuation: Any, client_call_details: grpc.aio.ClientCallDetails, request: Any
    ) -> Any:
        if calls.silent():
            return await continuation(await _prepared(client_call_details, self._token, streaming=False), request)
        with calls.made(name := _name(client_call_details)) as span:
            call = await continuation(await _prepared(client_call_details, self._token, streaming=False), request)
            if span.is_recording():
                calls.answered(span, name, await _code(call))
            return call


class _Stream(grpc.aio.UnaryStreamClientInterceptor):
    def __init__(self, token: Token) -> None:
        self._token = token

    async def intercept_unary_stream(
        self, continuation: Any, client_call_details: grpc.aio.ClientCallDetails, request: Any
    ) -> Any:
        # No span of its own: a stream has no end that anybody waits for.
        return await continuation(await _prepared(client_call_details, self._token, streaming=True), request)
