"""Traces and logs: one trace from HTTP through gRPC, outbox and NATS; JSON log lines that carry its id."""

from __future__ import annotations

import logging
import sys
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

import structlog
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF
from opentelemetry.trace import Link, SpanKind
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from meshkit.switch import TELEMETRY

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, MutableMapping

    from meshkit.settings import Settings

tracer = trace.get_tracer("reelmesh")
W3C = TraceContextTextMapPropagator()
log: structlog.typing.FilteringBoundLogger = structlog.get_logger()


class _Ids(RandomIdGenerator):
    """Random ones; of a trace whose id was looked at before, that id."""

    next = 0

    def generate_trace_id(self) -> int:
        given, self.next = self.next, 0
        return given or super().generate_trace_id()


IDS = _Ids()
UNSAMPLED: ContextVar[str] = ContextVar("unsampled", default="")
"""The `traceparent` of a call whose trace is not sampled; else empty, and OpenTelemetry's context has the span."""


def set_up(service: str, settings: Settings) -> TracerProvider:
    """Log as JSON lines to standard output; export spans when an OTLP endpoint is configured."""
    _log_json(service, settings.log_level)
    TELEMETRY.on = not settings.otel_sdk_disabled
    TELEMETRY.ratio, TELEMETRY.follows = settings.sampling
    provider = provided(service, settings)
    trace.set_tracer_provider(provider)
    return provider


def provided(service: str, settings: Settings) -> TracerProvider:
    """Whose spans go where the standard variables say."""
    # Without anyone to send them to, spans only carry their trace's id on. Else OTEL_TRACES_SAMPLER says which to keep.
    sampler = None if settings.traced else ALWAYS_OFF
    ours = Resource.create({"service.name": service, "service.namespace": "reelmesh"})
    # OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES go before what we say.
    provider = TracerProvider(sampler=sampler, id_generator=IDS, resource=ours.merge(OTELResourceDetector().detect()))
    if settings.traced:
        provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return provider


def inject() -> dict[str, str]:
    """The current trace context as headers (W3C Trace Context)."""
    if unsampled := UNSAMPLED.get():
        return {"traceparent": unsampled}
    if not TELEMETRY.on:
        return {}
    headers: dict[str, str] = {}
    W3C.inject(headers)
    return headers


@contextmanager
def publishing(stream: str, headers: Mapping[str, str]) -> Iterator[dict[str, str]]:
    """A `send <stream>` span that goes on the trace in `headers`; gives the headers to send."""
    UNSAMPLED.set("")
    with tracer.start_as_current_span(f"send {stream}", W3C.extract(headers), kind=SpanKind.PRODUCER):
        yield inject()


@contextmanager
def processing(stream: str, headers: Mapping[str, str], *, redelivered: bool) -> Iterator[trace.Span]:
    """A `process <stream>` span. A redelivery begins a trace of its own, linked to the first."""
    UNSAMPLED.set("")
    parent = W3C.extract(headers)
    links = [Link(trace.get_current_span(parent).get_span_context())] if redelivered else []
    with tracer.start_as_current_span(
        f"process {stream}", None if redelivered else parent, kind=SpanKind.CONSUMER, links=links
    ) as span:
        yield span


def trace_id() -> str:
    """The current trace's id in hex; empty outside of a trace."""
    if unsampled := UNSAMPLED.get():
        return unsampled[3:35]
    context = trace.get_current_span().get_span_context()
    return trace.format_trace_id(context.trace_id) if context.is_valid else ""


def _log_json(service: str, level: str) -> None:
    def add_context(_: object, __: str, event: MutableMapping[str, object]) -> MutableMapping[str, object]:
        event["service"] = service
        if current := trace_id():
            event["trace_id"] = current
        return event

    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        add_context,
        structlog.processors.format_exc_info,
    ]
    # Lines of our own go straight out; through logging, as those of libraries do, they would cost twice as much.
    structlog.configure(
        processors=[*shared, structlog.processors.JSONRenderer()],
        logger_factory=structlog.WriteLoggerFactory(sys.stdout),
        wrapper_class=structlog.make_filtering_bound_logger(level),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(),
            ],
        )
    )
    logging.basicConfig(handlers=[handler], level=level.upper(), force=True)
    # One line per request is the gateway's own; these repeat it or speak of every reconnect.
    for noisy in ("uvicorn.access", "nats", "botocore", "boto3", "urllib3", "httpx", "httpx2", "alembic"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
