"""Metrics: instruments as `meshkit.instruments` lists them, shown to Prometheus on a port of each process."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from contextlib import contextmanager
from typing import TYPE_CHECKING, ClassVar, Generic, TypeVar

import prometheus_client
from prometheus_client import CollectorRegistry, ProcessCollector, start_http_server
from prometheus_client.core import GaugeMetricFamily

from meshkit.switch import TELEMETRY

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

STALE = 60.0
"""Seconds after which a gauge that nobody set again is no longer shown: nothing is better than something old."""
_UNITS = {"s": "_seconds", "By": "_bytes", "s/min": "_seconds_per_min"}
"""UCUM as Prometheus has it in names; what only counts has none."""

prometheus_client.disable_created_metrics()  # type: ignore[no-untyped-call]
REGISTRY = CollectorRegistry()
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

    def __init__(
        self, name: str, unit: str, attributes: Sequence[str], says: str, registry: CollectorRegistry = REGISTRY
    ) -> None:
        """`name`, `unit` and `attributes` as OpenTelemetry has them."""
        self.name = name
        self.unit = unit
        self.attributes = tuple(attributes)
        self.says = says
        self.exported = name.replace(".", "_") + _UNITS.get(unit, "")
        self.labels = tuple(each.replace(".", "_") for each in attributes)
        self._names = frozenset(attributes)
        self._make(registry)

    @abstractmethod
    def _make(self, registry: CollectorRegistry) -> None: ...

    def _values(self, attributes: dict[str, str]) -> tuple[str, ...]:
        """In the order of the labels."""
        if attributes.keys() != self._names:
            raise TypeError(f"{self.name} has the attributes {sorted(self._names)}, not {sorted(attributes)}")
        return tuple([attributes[each] for each in self.attributes])


M = TypeVar("M", prometheus_client.Counter, prometheus_client.Histogram)


class _Counting(Instrument, Generic[M]):
    """Looks the series of some values up once: Prometheus' client takes longer for that than to count."""

    _metric: M
    _children: dict[tuple[tuple[str, str], ...], M]

    def _child(self, attributes: dict[str, str]) -> M:
        told = tuple(attributes.items())
        if (child := self._children.get(told)) is None:
            values = self._values(attributes)
            child = self._children[told] = self._metric.labels(*values) if values else self._metric
        return child


class Counter(_Counting[prometheus_client.Counter]):
    kind = "counter"

    def _make(self, registry: CollectorRegistry) -> None:
        self._children = {}
        self._metric = prometheus_client.Counter(self.exported, self.says, self.labels, registry=registry)

    def add(self, amount: float = 1, **attributes: str) -> None:
        if TELEMETRY.on:
            self._child(attributes).inc(amount)


class Histogram(_Counting[prometheus_client.Histogram]):
    kind = "histogram"

    def __init__(
        self,
        name: str,
        unit: str,
        attributes: Sequence[str],
        says: str,
        registry: CollectorRegistry = REGISTRY,
        *,
        buckets: Sequence[float],
    ) -> None:
        self.buckets = tuple(map(float, buckets))
        super().__init__(name, unit, attributes, says, registry)

    def _make(self, registry: CollectorRegistry) -> None:
        self._children = {}
        self._metric = prometheus_client.Histogram(
            self.exported, self.says, self.labels, registry=registry, buckets=self.buckets
        )

    def record(self, value: float, **attributes: str) -> None:
        if TELEMETRY.on:
            self._child(attributes).observe(value)


class Gauge(Instrument):
    """What was looked up last, for as long as somebody looks."""

    kind = "gauge"

    def _make(self, registry: CollectorRegistry) -> None:
        self._found: dict[tuple[str, ...], tuple[float, float]] = {}
        registry.register(self)

    def set(self, value: float, **attributes: str) -> None:
        if TELEMETRY.on:
            self._found[self._values(attributes)] = value, time.monotonic()

    def collect(self) -> Iterable[GaugeMetricFamily]:
        fresh = time.monotonic() - STALE
        family = GaugeMetricFamily(self.exported, self.says, labels=self.labels)
        for values, (value, when) in list(self._found.items()):
            if when > fresh:
                family.add_metric(values, value)
        if family.samples:
            yield family
