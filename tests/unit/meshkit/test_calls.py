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
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", "parentbased_traceidratio")
    monkeypatch.setenv("OTEL_TRACES_SAMPLER_ARG", "0.5")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4317")
    ratio, follows = Settings().sampling
    monkeypatch.setattr(TELEMETRY, "ratio", ratio)
    monkeypatch.setattr(TELEMETRY, "follows", follows)
    exporter, provider = InMemorySpanExporter(), TracerProvider(id_generator=telemetry.IDS)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(calls, "tracer", provider.get_tracer("test"))
    return exporter


async def test_a_sampled_trace_has_a_span_at_each_end(spans: InMemorySpanExporter) -> None:
    span = calls.received("a request", KEPT)
    with calls.made("a call"):
        handed = telemetry.inject()
    span.end()
    made, received = spans.get_finished_spans()
    assert (received.name, made.name) == ("a request", "a call")
    assert trace.format_trace_id(received.context.trace_id) == TRACE
    assert made.parent == received.context
    assert handed["traceparent"] == f"00-{TRACE}-{trace.format_span_id(made.context.span_id)}-01"


@pytest.mark.parametrize("follows", [True, False])
async def test_what_is_not_sampled_goes_on_without_spans(
    spans: InMemorySpanExporter, monkeypatch: pytest.MonkeyPatch, *, follows: bool
) -> None:
    """Also where the sampler has to be asked."""
    monkeypatch.setattr(TELEMETRY, "follows", follows)
    assert not calls.received("a request", NOT_KEPT).is_recording()
    with calls.made("a call") as span:
        assert telemetry.trace_id() == TRACE
        handed = telemetry.inject()["traceparent"]
    assert (handed[:36], int(handed[-2:]) % 2) == (f"00-{TRACE}-", 0)
    assert not span.is_recording()
    assert not spans.get_finished_spans()


async def test_the_sampler_keeps_all_that_it_is_asked_about_and_others_have_ids(spans: InMemorySpanExporter) -> None:
    kept, ids = 0, set()
    for _ in range(400):
        span = calls.received("a request", {})
        assert span.is_recording() is (telemetry.inject()["traceparent"][-2:] != "00")
        kept += span.is_recording()
        ids.add(telemetry.trace_id())
    assert 120 < kept < 280
    assert len(ids) == 400


async def test_a_span_after_a_request_without_one_is_not_of_its_trace(spans: InMemorySpanExporter) -> None:
    """One connection may bring both, and one task begins where another was."""
    calls.received("a request", NOT_KEPT)
    with telemetry.processing("TASKS", KEPT, redelivered=False):
        assert telemetry.trace_id() == TRACE
        assert telemetry.inject()["traceparent"] != NOT_KEPT["traceparent"]
    assert calls.received("another", KEPT).is_recording()
    assert telemetry.inject()["traceparent"][-2:] == "01"


@pytest.mark.parametrize(
    "header", ["", "00-0-0-00", f"00-{'0' * 32}-b7ad6b7169203331-00", f"00-{TRACE}-b7ad6b7169203331"]
)
async def test_what_names_no_trace_begins_one(spans: InMemorySpanExporter, header: str) -> None:
    calls.received("a request", {"traceparent": header})
    assert telemetry.trace_id() not in {"", TRACE}


@pytest.mark.parametrize(
    ("code", "served", "failed"),
    [("OK", True, False), ("NOT_FOUND", True, False), ("NOT_FOUND", False, True), ("INTERNAL", True, True)],
)
async def test_a_server_is_not_to_blame_for_what_its_client_asks(
    spans: InMemorySpanExporter, code: str, *, served: bool, failed: bool
) -> None:
    span = calls.received("a call", KEPT)
    calls.answered(span, "reelmesh.Some/Call", code, served=served)
    span.end()
    (told,) = spans.get_finished_spans()
    assert told.status.is_ok is not failed
    assert told.attributes
    assert told.attributes["rpc.response.status_code"] == code


async def test_switched_off_there_is_no_trace(spans: InMemorySpanExporter, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(TELEMETRY, "on", False)
    calls.received("a request", KEPT)
    with calls.made("a call"):
        assert not telemetry.inject()
    assert not spans.get_finished_spans()


@pytest.mark.parametrize(
    ("sampler", "ratio", "expected"),
    [
        ("parentbased_traceidratio", "0.1", (0.1, True)),
        ("traceidratio", "0.1", (0.1, False)),
        ("parentbased_traceidratio", "a tenth", (1.0, True)),
        ("parentbased_always_off", "", (0.0, True)),
        ("always_on", "", (1.0, False)),
        ("somebody's own", "0.1", (1.0, False)),
    ],
)
def test_samplers_are_what_opentelemetry_makes_of_them(
    monkeypatch: pytest.MonkeyPatch, sampler: str, ratio: str, expected: tuple[float, bool]
) -> None:
    assert Settings().sampling == (0.0, True)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4317")
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", sampler)
    monkeypatch.setenv("OTEL_TRACES_SAMPLER_ARG", ratio)
    assert Settings().sampling == expected


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
