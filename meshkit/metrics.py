"""Metrics: instruments as `meshkit.instruments` lists them, shown to Prometheus on a port of each process."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from contextlib import contextmanager
from typing import TYPE_CHECKING, ClassVar

from opentelemetry.exporter.prometheus import PrometheusMetricReader
from opentelemetry.metrics import Observation
from opentelemetry.sdk.metrics import AlwaysOffExemplarFilter, MeterProvider
from opentelemetry.sdk.metrics.view import DropAggregation, View
from prometheus_client import CollectorRegistry, ProcessCollector, start_http_server

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from opentelemetry.metrics import CallbackOptions, Meter

STALE = 60.0
"""Seconds after which a gauge that nobody set again is no longer shown: nothing is better than something old."""


def provided(registry: CollectorRegistry) -> MeterProvider:
    """Whose instruments `registry` collects."""
    reader = PrometheusMetricReader(registry=registry, scope_info_enabled=False, disable_target_info=True)
    # FastAPI counts it twice for every request, and nobody looks at it.
    unused = View(instrument_name="http.server.active_requests", aggregation=DropAggregation())
    # What Prometheus scrapes carries no exemplars.
    none = AlwaysOffExemplarFilter()
    return MeterProvider(metric_readers=[reader], views=[unused], exemplar_filter=none, shutdown_on_exit=False)


REGISTRY = CollectorRegistry()
PROVIDER = provided(REGISTRY)
_METER = PROVIDER.get_meter("reelmesh")
ProcessCollector(registry=REGISTRY)


@contextmanager
def serving(host: str, port: int | None) -> Iterator[None]:
    """`/metrics` on a port of its own, from a thread of its own, inside the block; nothing where there is no port."""
    if port is None:
        yield
        return
    server, thread = start_http_server(port, host, REGISTRY)
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class Instrument(ABC):
    """One metric. Every value has exactly the attributes that are declared, each with few values: never an id."""

    kind: ClassVar[str]

    def __init__(self, name: str, unit: str, attributes: Sequence[str], says: str, meter: Meter = _METER) -> None:
        """`unit` as in UCUM."""
        self.name = name
        self.unit = unit
        self.attributes = tuple(attributes)
        self.says = says
        self._names = frozenset(attributes)
        self._make(meter)

    @abstractmethod
    def _make(self, meter: Meter) -> None: ...

    def _checked(self, attributes: dict[str, str]) -> dict[str, str]:
        if attributes.keys() != self._names:
            raise TypeError(f"{self.name} has the attributes {sorted(self._names)}, not {sorted(attributes)}")
        return attributes


class Counter(Instrument):
    kind = "counter"

    def _make(self, meter: Meter) -> None:
        self._counter = meter.create_counter(self.name, self.unit, self.says)

    def add(self, amount: float = 1, **attributes: str) -> None:
        self._counter.add(amount, self._checked(attributes))


class Histogram(Instrument):
    kind = "histogram"

    def __init__(
        self,
        name: str,
        unit: str,
        attributes: Sequence[str],
        says: str,
        meter: Meter = _METER,
        *,
        buckets: Sequence[float],
    ) -> None:
        self.buckets = tuple(map(float, buckets))
        super().__init__(name, unit, attributes, says, meter)

    def _make(self, meter: Meter) -> None:
        self._histogram = meter.create_histogram(
            self.name, self.unit, self.says, explicit_bucket_boundaries_advisory=self.buckets
        )

    def record(self, value: float, **attributes: str) -> None:
        self._histogram.record(value, self._checked(attributes))


class Gauge(Instrument):
    """What was looked up last, for as long as somebody looks."""

    kind = "gauge"

    def _make(self, meter: Meter) -> None:
        self._values: dict[tuple[str, ...], tuple[float, float]] = {}
        meter.create_observable_gauge(self.name, [self._observe], self.unit, self.says)

    def set(self, value: float, **attributes: str) -> None:
        checked = self._checked(attributes)
        self._values[tuple(checked[name] for name in self.attributes)] = value, time.monotonic()

    def _observe(self, _: CallbackOptions) -> Iterable[Observation]:
        fresh = time.monotonic() - STALE
        for values, (value, when) in list(self._values.items()):
            if when > fresh:
                yield Observation(value, dict(zip(self.attributes, values, strict=True)))
