"""What the processes of a mesh show to Prometheus."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from typing import TYPE_CHECKING

import httpx2
from prometheus_client.parser import text_string_to_metric_families

if TYPE_CHECKING:
    from local.mesh import RunningMesh
    from meshkit.metrics import Instrument


async def exported(mesh: RunningMesh) -> dict[str, list[dict[str, str]]]:
    """By the name of the series, as `…_bucket` or `…_total`: the labels of each that any process has."""
    async with httpx2.AsyncClient() as http:
        answers = await asyncio.gather(*map(http.get, mesh.metrics.values()))
    series: dict[str, list[dict[str, str]]] = defaultdict(list)
    for answer in answers:
        for family in text_string_to_metric_families(answer.raise_for_status().text):
            for sample in family.samples:
                series[sample.name].append(dict(sample.labels))
    return series


def labels(instrument: Instrument) -> set[str]:
    """As Prometheus has them."""
    return {name.replace(".", "_") for name in instrument.attributes}


def series_of(instrument: Instrument) -> str:
    """The one of its series by which it is known."""
    name = instrument.name.replace(".", "_")
    unit = {"s": "_seconds", "By": "_bytes", "s/min": "_seconds_per_min"}.get(instrument.unit, "")
    return name + unit + {"counter": "_total", "histogram": "_count", "gauge": ""}[instrument.kind]
