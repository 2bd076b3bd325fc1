"""Instruments keep what the list says of them; the list, its page and the code say the same."""

from __future__ import annotations

import re
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from local.ports import pick
from meshkit import instruments, metrics
from meshkit.metrics import Counter, Gauge, Histogram
from services.transcode.worker.execute import _SPANS

CODE = Path(__file__).resolve().parents[3]
MAKES = re.compile(r"^import prometheus_client|prometheus_client import .*(?:Counter|Gauge|Histogram|Summary)", re.M)
MAKES_SPANS = {
    "meshkit/calls.py",
    "meshkit/telemetry.py",
    "services/transcode/worker/execute.py",
    "services/transcode/worker/measuring.py",
}
SPAN = re.compile(r"start_(?:as_current_)?span\(")


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


def test_what_is_counted_is_shown(registry: CollectorRegistry) -> None:
    counter = Counter("a.thing", "s", ["kind"], "Things.", registry)
    counter.add(2, kind="x")
    counter.add(kind="x")
    assert registry.get_sample_value("a_thing_seconds_total", {"kind": "x"}) == 3


def test_buckets_are_those_of_the_list(registry: CollectorRegistry) -> None:
    took = Histogram("a.time", "s", [], "Time.", registry, buckets=[1, 2])
    took.record(1.5)
    assert registry.get_sample_value("a_time_seconds_bucket", {"le": "2.0"}) == 1
    assert registry.get_sample_value("a_time_seconds_bucket", {"le": "1.0"}) == 0


@pytest.mark.parametrize("attributes", [{}, {"kind": "x", "id": "y"}, {"id": "y"}])
def test_other_attributes_than_declared_are_refused(registry: CollectorRegistry, attributes: dict[str, str]) -> None:
    counter = Counter("a.thing", "s", ["kind"], "Things.", registry)
    with pytest.raises(TypeError, match="kind"):
        counter.add(1, **attributes)


def test_a_gauge_that_nobody_sets_any_more_is_not_shown(registry: CollectorRegistry) -> None:
    gauge = Gauge("an.age", "s", ["kind"], "Age.", registry)
    gauge.set(7, kind="new")
    gauge.set(8, kind="old")
    gauge._found["old",] = 8, time.monotonic() - metrics.STALE - 1
    assert registry.get_sample_value("an_age_seconds", {"kind": "new"}) == 7
    assert registry.get_sample_value("an_age_seconds", {"kind": "old"}) is None


def test_a_process_shows_its_metrics_on_a_port_of_its_own() -> None:
    port = pick(set(), None)
    with metrics.serving("127.0.0.1", port):
        text = urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5).read()
    assert b"process_cpu_seconds_total" in text
    assert b"process_cpu_seconds_total" in generate_latest(metrics.REGISTRY)


def test_the_page_is_made_of_the_list() -> None:
    made = subprocess.run([sys.executable, "scripts/telemetry.py"], cwd=CODE, check=True, capture_output=True)
    assert made.stdout.decode() == (CODE / "docs/telemetry.md").read_text(), "run `make gen`"


def test_no_instrument_and_no_span_is_made_beside_the_list() -> None:
    files = [each for folder in ("meshkit", "services") for each in (CODE / folder).rglob("*.py")]
    texts = {str(each.relative_to(CODE)): each.read_text() for each in files}
    assert {name for name, text in texts.items() if MAKES.search(text)} == {"meshkit/metrics.py"}
    listing = {
        name
        for name, text in texts.items()
        if re.search(r"meshkit\.metrics import .*(?:Counter|Gauge|Histogram)", text)
    }
    assert listing == {"meshkit/instruments.py"}
    assert {name for name, text in texts.items() if SPAN.search(text)} == MAKES_SPANS
    assert set(_SPANS.values()) <= set(instruments.SPANS)


def test_names_are_told_once_and_are_never_ids() -> None:
    names = [each.name for each in instruments.ALL]
    assert len(set(names)) == len(names)
    assert not [each for each in instruments.ALL for name in each.attributes if name.endswith("id")]
