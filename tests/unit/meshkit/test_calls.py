"""A trace goes on from call to call, and what is not sampled has ids alone."""

from __future__ import annotations

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from meshkit import calls, telemetry
from meshkit.settings import Settings
from meshkit.switch import TELEMETRY

TRACE = "0af7651916cd43dd8448eb211c80319c"
KEPT, NOT_KEPT = ({"traceparent": f"00-{TRACE}-b7ad6b7169203331-{flags}"} for flags in ("01", "00"))


@pytest.fixture
def spans(monkeypatch: pytest.MonkeyPatch) -> InMemorySpanExporter:
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(calls, "tracer", provider.get_tracer("test"))
    return exporter


async def test_a_sampled_trace_has_a_span_at_each_end(spans: InMemorySpanExporter) -> None:
    with calls.received("a request", KEPT), calls.made("a call"):
        handed = telemetry.inject()
    made, received = spans.get_finished_spans()
    assert (received.name, made.name) == ("a request", "a call")
    assert trace.format_trace_id(received.context.trace_id) == TRACE
    assert made.parent == received.context
    assert handed["traceparent"] == f"00-{TRACE}-{trace.format_span_id(made.context.span_id)}-01"


async def test_what_is_not_sampled_goes_on_without_spans(spans: InMemorySpanExporter) -> None:
    with calls.received("a request", NOT_KEPT), calls.made("a call"):
        assert telemetry.trace_id() == TRACE
        handed = telemetry.inject()["traceparent"]
    assert (handed[:36], handed[-3:]) == (f"00-{TRACE}-", "-00")
    assert not spans.get_finished_spans()


async def test_a_call_that_names_no_trace_begins_one(spans: InMemorySpanExporter) -> None:
    with calls.received("one", {}), calls.received("another", {}):
        pass
    another, one = spans.get_finished_spans()
    assert one.context.trace_id != another.context.trace_id
    assert another.parent is None


@pytest.mark.parametrize(
    ("code", "served", "failed"),
    [("OK", True, False), ("NOT_FOUND", True, False), ("NOT_FOUND", False, True), ("INTERNAL", True, True)],
)
async def test_a_server_is_not_to_blame_for_what_its_client_asks(
    spans: InMemorySpanExporter, code: str, *, served: bool, failed: bool
) -> None:
    with calls.received("a call", KEPT) as span:
        calls.answered(span, "reelmesh.Some/Call", code, served=served)
    (told,) = spans.get_finished_spans()
    assert told.status.is_ok is not failed
    assert told.attributes
    assert told.attributes["rpc.response.status_code"] == code


async def test_switched_off_there_is_no_trace(spans: InMemorySpanExporter, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(TELEMETRY, "on", False)
    with calls.received("a request", KEPT), calls.made("a call"):
        assert not telemetry.trace_id()
        assert not telemetry.inject()
    assert not spans.get_finished_spans()


def test_standard_variables_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_SERVICE_NAME", "mine")
    monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "service.namespace=ours,deployment.environment.name=test")
    told = telemetry.provided("gateway", Settings()).resource.attributes
    named = [told[name] for name in ("service.name", "service.namespace", "deployment.environment.name")]
    assert named == ["mine", "ours", "test"]


@pytest.mark.parametrize(
    ("variables", "traced"),
    [
        ({}, False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4317"}, True),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://collector:4317"}, True),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4317", "OTEL_TRACES_EXPORTER": "none"}, False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4317", "OTEL_SDK_DISABLED": "true"}, False),
    ],
)
def test_spans_go_to_who_is_named(monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], *, traced: bool) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert Settings().traced is traced
