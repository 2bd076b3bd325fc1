"""Spans of calls, at either end. One that is not sampled is an id to hand on, and costs no more than that."""

from __future__ import annotations

import random
import re
from contextlib import contextmanager
from typing import TYPE_CHECKING

from opentelemetry import trace
from opentelemetry.context import Context, attach
from opentelemetry.trace import INVALID_SPAN, SpanKind, StatusCode

from meshkit.switch import TELEMETRY
from meshkit.telemetry import IDS, UNSAMPLED, W3C, tracer

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from opentelemetry.trace import Span

_DROPPED = re.compile(r"00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f][02468ace]")
"""A `traceparent` without the flag `sampled`."""
_IDS = 1 << 64
"""Of a trace's id, the lower half is what a ratio is taken of, as TraceIdRatioBased does."""
_OURS_TO_BLAME = {"UNKNOWN", "DEADLINE_EXCEEDED", "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS"}
"""gRPC codes by which a server failed; all others are its client's to worry about."""


def received(name: str, headers: Mapping[str, str]) -> Span:
    """The span of a call that came in, in the trace that its headers name; who has it ends it if it is recording.

    The call has a task of its own: what is current there is never put back.
    """
    if not TELEMETRY.on:
        return INVALID_SPAN
    if dropped := _dropped(headers.get("traceparent")):
        UNSAMPLED.set(dropped)
        return INVALID_SPAN
    UNSAMPLED.set("")
    parent = W3C.extract(headers, Context()) if "traceparent" in headers else Context()
    span = tracer.start_span(name, parent, SpanKind.SERVER)
    attach(trace.set_span_in_context(span, parent))
    return span


def _dropped(traceparent: str | None) -> str:
    """What a trace goes on with that no sampler would keep; empty where it has to be asked."""
    if traceparent is not None:
        return traceparent if TELEMETRY.follows and _DROPPED.fullmatch(traceparent) else ""
    trace_id = random.getrandbits(128) or 1
    if trace_id % _IDS < TELEMETRY.ratio * _IDS:
        IDS.next = trace_id
        return ""
    return f"00-{trace_id:032x}-{random.getrandbits(64) or 1:016x}-00"


def silent() -> bool:
    """Whether calls that are made here have no spans, without anybody being asked."""
    return not TELEMETRY.on or bool(UNSAMPLED.get())


@contextmanager
def made(name: str) -> Iterator[Span]:
    """The span of a call that goes out; in a trace that is not sampled there is none, whatever a sampler would say."""
    around = trace.get_current_span()
    context = around.get_span_context()
    if silent() or (context.is_valid and not context.trace_flags.sampled):
        yield INVALID_SPAN
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
