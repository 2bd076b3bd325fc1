"""Spans of calls, at either end. One that is not sampled is an id to hand on, and costs no more than that."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from opentelemetry import propagate, trace
from opentelemetry.context import Context, attach
from opentelemetry.trace import INVALID_SPAN, SpanKind, StatusCode

from meshkit.switch import TELEMETRY
from meshkit.telemetry import tracer

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from opentelemetry.trace import Span

_OURS_TO_BLAME = {"UNKNOWN", "DEADLINE_EXCEEDED", "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS"}
"""gRPC codes by which a server failed; all others are its client's to worry about."""


@contextmanager
def received(name: str, headers: Mapping[str, str | Sequence[str]]) -> Iterator[Span]:
    """A call that came in, in the trace that its headers name. It has a task of its own: nothing is put back there."""
    if not TELEMETRY.on:
        yield INVALID_SPAN
        return
    parent = propagate.extract(headers, Context())
    span = tracer.start_span(name, parent, SpanKind.SERVER)
    attach(trace.set_span_in_context(span, parent))
    try:
        yield span
    finally:
        span.end()


@contextmanager
def made(name: str) -> Iterator[Span]:
    """A call that goes out. In a trace that is not sampled it has no span of its own, at no sampler's wish."""
    around = trace.get_current_span()
    context = around.get_span_context()
    if not TELEMETRY.on or (context.is_valid and not context.trace_flags.sampled):
        yield around
        return
    with tracer.start_as_current_span(name, kind=SpanKind.CLIENT) as span:
        yield span


def answered(span: Span, method: str, code: str, *, served: bool = False) -> None:
    """How a call by gRPC ended (OpenTelemetry's semantic conventions for RPC)."""
    if not span.is_recording():
        return
    span.set_attributes({"rpc.system.name": "grpc", "rpc.method": method, "rpc.response.status_code": code})
    if code != "OK" and (not served or code in _OURS_TO_BLAME):
        span.set_status(StatusCode.ERROR)
