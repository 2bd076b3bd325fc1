"""docs/telemetry.md, made of the list in meshkit/instruments.py: python scripts/telemetry.py."""

from __future__ import annotations

import sys

from prometheus_client import CollectorRegistry

from meshkit import instruments
from meshkit.metrics import Gauge, Histogram, Instrument, provided

HEAD = """\
# Telemetry

Made by `make gen` from `meshkit/instruments.py`; `make check` fails when it differs, and `tests/e2e/test_metrics.py`
when a running mesh exports something else.

## Metrics

Each process shows its own at `/metrics` on `METRICS_HOST`:`METRICS_PORT`; the gateway also beside its API.
`reelmesh up --metrics` gives every process such a port. [ADR 70](adr/0070-metrics-are-pulled.md) says why it is pulled.
No label ever holds an id. Besides these there are `http_server_request_duration_seconds` of the gateway, by method,
route and status, and `process_*` of every process.

Gauges say what was looked up within the last minute, every ten seconds, by each replica of the service: take the `max`
of them. What nobody could look up is not shown.

| metric | at Prometheus | type | labels | what it says |
|---|---|---|---|---|
"""
SPANS = """
## Spans

HTTP and gRPC spans are OpenTelemetry's. `OTEL_TRACES_SAMPLER` and `OTEL_TRACES_SAMPLER_ARG` choose what is kept.

| span | attributes | what it is |
|---|---|---|
"""


def page() -> str:
    metrics = "".join(_row(each) for each in instruments.ALL)
    spans = "".join(f"| `{name}` | {_names(has)} | {says} |\n" for name, (has, says) in instruments.SPANS.items())
    return HEAD + metrics + SPANS + spans


def _row(instrument: Instrument) -> str:
    says = f"{instrument.says} Unit: `{instrument.unit}`."
    labels = _names([name.replace(".", "_") for name in instrument.attributes])
    return f"| `{instrument.name}` | `{exported(instrument)}` | {instrument.kind} | {labels} | {says} |\n"


def exported(instrument: Instrument) -> str:
    """Its name as the exporter makes it."""
    registry = CollectorRegistry()
    meter = provided(registry).get_meter("page")
    parts = instrument.name, instrument.unit, instrument.attributes, instrument.says, meter
    values = dict.fromkeys(instrument.attributes, "x")
    if isinstance(instrument, Histogram):
        Histogram(*parts, buckets=instrument.buckets).record(1, **values)
    elif isinstance(instrument, Gauge):
        Gauge(*parts).set(1, **values)
    else:
        type(instrument)(*parts).add(1, **values)
    (family,) = registry.collect()
    return family.name + "_total" * (family.type == "counter")


def _names(names: list[str] | tuple[str, ...]) -> str:
    return " ".join(f"`{name}`" for name in names)


if __name__ == "__main__":
    sys.stdout.write(page())
