"""A gRPC server as every service runs it: callers and requests checked, deadlines kept, errors typed, calls drained."""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import grpc
import grpc.aio
import protovalidate
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from meshkit import auth, calls, errors, once
from meshkit.grpc import deadline, status, tls
from meshkit.instruments import RPC_DURATION
from meshkit.telemetry import log

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping

    from opentelemetry.trace import Span

    from meshkit.settings import GrpcSettings

UNARY_LIMIT = 30.0
"""Seconds that a unary call gets when its client names no deadline, and at most."""
DRAIN = 10.0
"""Seconds that running calls get to end after SIGTERM."""
PUBLIC = ""
"""The scope of a method that needs no token."""
ANY = "*"
"""The scope of a method that any token opens."""
_OPTIONS = [
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.min_ping_interval_without_data_ms", 10_000),
    ("grpc.max_connection_age_ms", 300_000),
    ("grpc.max_connection_age_grace_ms", 30_000),
    ("grpc.so_reuseport", 0),
]


class _Guard(grpc.aio.ServerInterceptor):
    """Stands before every method of ours; gRPC's own (health, reflection) pass."""

    def __init__(self, verifier: auth.Verifier, scopes: Mapping[str, str]) -> None:
        self._verifier = verifier
        self._scopes = scopes

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[Any]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> Any:
        handler = await continuation(handler_call_details)
        method = handler_call_details.method
        if handler is None or method.startswith("/grpc."):
            return handler
        codecs = {
            "request_deserializer": handler.request_deserializer,
            "response_serializer": handler.response_serializer,
        }
        if handler.unary_unary:
            return grpc.unary_unary_rpc_method_handler(self._unary(method, handler.unary_unary), **codecs)
        return grpc.unary_stream_rpc_method_handler(self._stream(method, handler.unary_stream), **codecs)

    def _unary(self, method: str, behaviour: Callable[..., Awaitable[Any]]) -> Any:
        async def call(request: Any, context: grpc.aio.ServicerContext[Any, Any]) -> Any:
            limit = min(context.time_remaining() or UNARY_LIMIT, UNARY_LIMIT)
            began = time.perf_counter()
            with _span(method, context) as span:
                try:
                    async with asyncio.timeout(limit):
                        deadline.begin(limit)
                        await self._admit(method, request, context)
                        answer = await behaviour(request, context)
                    _took(method, began, span, "OK")
                    return answer
                except TimeoutError:
                    failure: errors.MeshError = errors.Unavailable(
                        "deadline_exceeded", f"not done within {limit:.1f} s"
                    )
                except errors.MeshError as error:
                    failure = error
                except grpc.aio.AioRpcError as error:
                    failure = status.from_rpc_error(error)
                except Exception:
                    log.exception("call failed", method=method)
                    failure = errors.MeshError("internal", "internal error")
                refusal = status.to_status(failure)
                _took(method, began, span, refusal.code.name)
            await context.abort_with_status(refusal)
            raise AssertionError("abort raises")

        return call

    def _stream(self, method: str, behaviour: Callable[..., AsyncIterator[Any]]) -> Any:
        async def call(request: Any, context: grpc.aio.ServicerContext[Any, Any]) -> AsyncIterator[Any]:
            with _span(method, context) as span:
                try:
                    await self._admit(method, request, context)
                    async for response in behaviour(request, context):
                        yield response
                    calls.answered(span, method[1:], "OK", served=True)
                    return
                except errors.MeshError as error:
                    failure = error
                except Exception:
                    log.exception("call failed", method=method)
                    failure = errors.MeshError("internal", "internal error")
                refusal = status.to_status(failure)
                calls.answered(span, method[1:], refusal.code.name, served=True)
            await context.abort_with_status(refusal)

        return call

    async def _admit(self, method: str, request: Any, context: grpc.aio.ServicerContext[Any, Any]) -> None:
        scope = self._scopes.get(method)
        if scope is None:
            raise errors.PermissionDenied("method_closed", "this method is open to nobody")
        if scope != PUBLIC:
            auth.act_for(await self._verifier.access(_bearer(context)))
            if scope != ANY:
                auth.caller().may(scope)
        try:
            protovalidate.validate(request)
        except protovalidate.ValidationError as error:
            raise status.from_validation(error) from None
        once.begin(request)


@contextmanager
def _span(method: str, context: grpc.aio.ServicerContext[Any, Any]) -> Iterator[Span]:
    headers = {name: value for name, value in context.invocation_metadata() or () if isinstance(value, str)}
    span = calls.received(method[1:], headers)
    try:
        yield span
    finally:
        span.end()


def _took(method: str, began: float, span: Span, code: str) -> None:
    calls.answered(span, method[1:], code, served=True)
    values = {"rpc.method": method[1:], "rpc.response.status_code": code, "rpc.system.name": "grpc"}
    RPC_DURATION.record(time.perf_counter() - began, **values)


def _bearer(context: grpc.aio.ServicerContext[Any, Any]) -> str:
    for key, value in context.invocation_metadata() or ():
        if key == "authorization" and isinstance(value, str) and value.startswith("Bearer "):
            return value.removeprefix("Bearer ")
    raise errors.Unauthenticated("unauthenticated", "an access token is needed in the authorization metadata")


@dataclass(slots=True)
class GrpcServer:
    """`scopes` maps each method's full name to the scope that it needs: a method that is not in it is closed."""

    settings: GrpcSettings
    verifier: auth.Verifier
    scopes: Mapping[str, str]
    port: int = 0
    _server: grpc.aio.Server = field(init=False)
    _health: health.aio.HealthServicer = field(init=False)
    _names: list[str] = field(init=False, default_factory=list)

    def __post_init__(self) -> None:
        self._server = grpc.aio.server(interceptors=[_Guard(self.verifier, self.scopes)], options=_OPTIONS)
        self._health = health.aio.HealthServicer()
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._server)

    def add(self, servicer: Any, register: Callable[[Any, Any], None], name: str) -> None:
        """Serve `servicer` as the proto service with the full name `name`."""
        register(servicer, self._server)
        self._names.append(name)

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[None]:
        """Healthy inside; at the end not serving first, then no new calls, then the running ones get DRAIN seconds."""
        if self.settings.development:
            reflection.enable_server_reflection(
                [*self._names, health.SERVICE_NAME, reflection.SERVICE_NAME], self._server
            )
        self.port = tls.listen(self._server, f"{self.settings.grpc_host}:{self.settings.grpc_port}")
        await self._server.start()
        for name in ("", *self._names):
            await self._health.set(name, health_pb2.HealthCheckResponse.SERVING)
        log.info("serving grpc", port=self.port)
        try:
            yield
        finally:
            await self._health.enter_graceful_shutdown()
            await self._server.stop(DRAIN)


def service_scopes(service: Any, **scopes: str) -> dict[str, str]:
    """Method names of a proto service descriptor to scopes, by full name; every method must be named."""
    missing = {method.name for method in service.methods} ^ set(scopes)
    if missing:
        raise ValueError(f"{service.full_name}: scopes and methods differ in {sorted(missing)}")
    return {f"/{service.full_name}/{method}": scope for method, scope in scopes.items()}
