"""An OTLP receiver (opentelemetry-proto, trace service v1) that keeps every span it is sent."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import grpc.aio
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2, trace_service_pb2_grpc

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    service: str
    name: str
    trace_id: str
    span_id: str
    parent_id: str
    linked: tuple[str, ...]
    """Traces that it links to."""
    scope: str
    """Who made it: `reelmesh` for our own."""
    attributes: tuple[str, ...]
    """Their names."""
    seconds: float


@dataclass(slots=True)
class SpanCollector(trace_service_pb2_grpc.TraceServiceServicer):
    endpoint: str = ""
    spans: list[Span] = field(default_factory=list)

    async def Export(self, request: Any, context: Any) -> Any:
        for resource in request.resource_spans:
            service = next(a.value.string_value for a in resource.resource.attributes if a.key == "service.name")
            for scope in resource.scope_spans:
                self.spans += [_span(service, scope.scope.name, span) for span in scope.spans]
        return trace_service_pb2.ExportTraceServiceResponse()

    def edges(self, trace_id: str) -> set[tuple[str, str]]:
        """Parent and child of every edge in a trace, as `service: name`."""
        ours = {span.span_id: span for span in self.spans if span.trace_id == trace_id}
        named = {span_id: f"{span.service}: {span.name}" for span_id, span in ours.items()}
        return {(named[s.parent_id], named[s.span_id]) for s in ours.values() if s.parent_id in ours}


@asynccontextmanager
async def collecting() -> AsyncIterator[SpanCollector]:
    collector = SpanCollector()
    server = grpc.aio.server()
    trace_service_pb2_grpc.add_TraceServiceServicer_to_server(collector, server)
    collector.endpoint = f"http://127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    await server.start()
    try:
        yield collector
    finally:
        await server.stop(1)


def _span(service: str, scope: str, span: Any) -> Span:
    return Span(
        service=service,
        name=span.name,
        trace_id=span.trace_id.hex(),
        span_id=span.span_id.hex(),
        parent_id=span.parent_span_id.hex(),
        linked=tuple(link.trace_id.hex() for link in span.links),
        scope=scope,
        attributes=tuple(each.key for each in span.attributes),
        seconds=(span.end_time_unix_nano - span.start_time_unix_nano) / 1e9,
    )
