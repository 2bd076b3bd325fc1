"""docs/telemetry.md, made of the list in meshkit/instruments.py: python scripts/telemetry.py."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from meshkit import instruments

if TYPE_CHECKING:
    from meshkit.metrics import Instrument

HEAD = """\
# Telemetry

Made by `make gen` from `meshkit/instruments.py`; `make check` fails when it differs, and `tests/e2e/test_metrics.py`
when a running mesh exports something else.

## Metrics

Each process shows its own at `/metrics` on `METRICS_HOST`:`METRICS_PORT`; the gateway also beside its API.
`reelmesh up --metrics` gives every process such a port. [ADR 70](adr/0070-metrics-are-pulled.md) says why it is pulled.
No label ever holds an id. Besides these there are `process_*` of every process.

Gauges say what was looked up within the last minute, every ten seconds, by each replica of the service: take the `max`
of them. What nobody could look up is not shown.

| metric | at Prometheus | type | labels | what it says |
|---|---|---|---|---|
"""
SPANS = """
## Spans

`OTEL_TRACES_SAMPLER` and `OTEL_TRACES_SAMPLER_ARG` choose which traces are kept. One that is not has no spans; its id
still goes on from call to call, and into logs.

| span | attributes | what it is |
|---|---|---|
"""


def page() -> str:
    metrics = "".join(_row(each) for each in instruments.ALL)
    spans = "".join(f"| `{name}` | {_names(has)} | {says} |\n" for name, (has, says) in instruments.SPANS.items())
    return HEAD + metrics + SPANS + spans


def _row(instrument: Instrument) -> str:
    says = f"{instrument.says} Unit: `{instrument.unit}`."
    exported = instrument.exported + "_total" * (instrument.kind == "counter")
    return f"| `{instrument.name}` | `{exported}` | {instrument.kind} | {_names(instrument.labels)} | {says} |\n"


def _names(names: list[str] | tuple[str, ...]) -> str:
    return " ".join(f"`{name}`" for name in names)


if __name__ == "__main__":
    sys.stdout.write(page())
