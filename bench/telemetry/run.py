"""CPU of a gateway that tells of itself, against one that does not, under the same requests. BENCH_LOOKS: a turn's."""

from __future__ import annotations

import asyncio
import os
import statistics
import tempfile
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import httpx2

from bench.cpu import precise_cpu_seconds
from bench.figures import Figures, median, say
from local import probe
from local.home import home_at
from local.mesh import running_mesh
from local.ports import ports_of
from local.process import Child
from tests.e2e.spans import collecting

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence

    from local.mesh import RunningMesh

LOOKS = int(os.environ.get("BENCH_LOOKS", "10"))
"""Of a turn, at each of what clients look at."""
TURNS = 6
"""Of a block. Short ones, one way after the other: what disturbs the machine for a while disturbs all ways alike."""
BLOCKS = 8
"""Of a round. Each is a sample, of all that a gateway does meanwhile: it also sends the spans of those before."""
OFF = "without"
DEFAULT = "as_deployed"
NO_LIMIT = '{"read": "", "write": ""}'


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    name: str
    url: str
    pid: int
    metrics: str


def run(*, rounds: int, only: Sequence[str]) -> None:
    asyncio.run(_run(rounds, only))


async def _run(rounds: int, only: Sequence[str]) -> None:
    async with AsyncExitStack() as stack:
        collector = await stack.enter_async_context(collecting())
        home = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        mesh = await stack.enter_async_context(running_mesh(home, workers=0, durable=False))
        ways = [
            await stack.enter_async_context(_gateway(mesh, name, env))
            for name, env in _ways(collector.endpoint).items()
            if not only or name in {*only, OFF}
        ]
        headers = {"Authorization": f"Bearer {mesh.api_key}"}
        clients = {
            way: await stack.enter_async_context(httpx2.AsyncClient(base_url=way.url, headers=headers)) for way in ways
        }
        costs: dict[str, list[float]] = {way.name: [] for way in ways}
        # The first block warms up.
        for block in range(rounds * BLOCKS + 1):
            cost = await _block(clients)
            for name in costs if block else ():
                costs[name].append(cost[name])
            if block and not block % BLOCKS:
                told = (
                    f"{name} {1000 * median(each):.3f} ms ({_more(costs, name):+.1%})" for name, each in costs.items()
                )
                say(f"  {block}: {', '.join(told)}; {len(collector.spans)} spans")
            collector.spans.clear()
        scrapes = [await _scrape(way) for _ in range(20) for way in ways if way.name == DEFAULT]
    _tell(costs, scrapes)


def _more(costs: Mapping[str, list[float]], name: str, quarter: int = 2) -> float:
    """By how much that way costs more than none: quartiles of what the blocks say."""
    more = [cost / least - 1 for cost, least in zip(costs[name], costs[OFF], strict=True)]
    return statistics.quantiles(more, n=4, method="inclusive")[quarter - 1]


def _tell(costs: Mapping[str, list[float]], scrapes: Sequence[float]) -> None:
    figures = Figures("telemetry")
    for name, samples in costs.items():
        figures.add(f"{name}_cpu_ms_per_request", 1000 * median(samples), samples=[1000 * each for each in samples])
    for name in [each for each in costs if each != OFF]:
        figures.add(f"{name}_overhead", _more(costs, name), bound="<= 0.03" if name == DEFAULT else "")
        figures.add(f"{name}_overhead_lower_quartile", _more(costs, name, 1))
        figures.add(f"{name}_overhead_upper_quartile", _more(costs, name, 3))
    if scrapes:
        figures.add("scrape_cpu_ms", 1000 * median([*scrapes]))
    figures.show()


def _ways(endpoint: str) -> dict[str, dict[str, str]]:
    sending = {"OTEL_EXPORTER_OTLP_ENDPOINT": endpoint, "OTEL_EXPORTER_OTLP_INSECURE": "true"}
    some = {"OTEL_TRACES_SAMPLER": "parentbased_traceidratio"}
    return {
        OFF: {"OTEL_SDK_DISABLED": "true"},
        "metrics": {},
        # As the chart and docker-compose.yml have it, once an endpoint is named.
        DEFAULT: {**sending, **some, "OTEL_TRACES_SAMPLER_ARG": "0.05"},
        "tenth_of_traces": {**sending, **some, "OTEL_TRACES_SAMPLER_ARG": "0.1"},
        "all_traces": sending,
    }


@asynccontextmanager
async def _gateway(mesh: RunningMesh, name: str, env: Mapping[str, str]) -> AsyncIterator[Way]:
    """One more gateway of the mesh."""
    program = mesh.services["gateway"].child.program
    home = home_at(mesh.home)
    port, metrics = (ports_of(home).take(f"gateway-{name}{each}") for each in ("", "-metrics"))
    told = {"HTTP_PORT": str(port), "METRICS_PORT": str(metrics), "RATE_LIMITS": NO_LIMIT, **env}
    child = Child(replace(program, name=f"gateway-{name}", env={**program.env, **told}), home)
    await child.start()
    try:
        await child.wait_ready(partial(probe.http_ok, port, "/readyz"))
        url = f"http://127.0.0.1:{port}"
        yield Way(name=name, url=url, pid=child.pid, metrics=f"http://127.0.0.1:{metrics}/metrics")
    finally:
        await child.stop()


async def _block(clients: Mapping[Way, httpx2.AsyncClient]) -> dict[str, float]:
    """CPU seconds of a request, each way."""
    ways = [*clients]
    before = {way: precise_cpu_seconds(way.pid) for way in ways}
    count = 0
    for turn in range(TURNS):
        for way in (*ways[turn % len(ways) :], *ways[: turn % len(ways)]):
            count += await _turn(clients[way])
    return {way.name: (precise_cpu_seconds(way.pid) - before[way]) * len(ways) / count for way in ways}


async def _turn(http: httpx2.AsyncClient) -> int:
    """An upload from its beginning to its end before time, and what clients look at meanwhile. How many requests."""
    made = (await http.post("/v1/uploads", json={"file_name": "a.mp4", "size": 40 << 20})).raise_for_status().json()
    upload = f"/v1/uploads/{made['id']}"
    (await http.post(f"{upload}/parts", json={"part_numbers": [1]})).raise_for_status()
    looks = (upload, "/v1/assets?page_size=1", "/v1/jobs?page_size=1", "/v1/webhooks", f"/v1/assets/{made['asset_id']}")
    for _ in range(LOOKS):
        for path in looks:
            # The asset is there once its upload is whole.
            assert (await http.get(path)).status_code in {200, 404}
    (await http.delete(upload)).raise_for_status()
    return 3 + LOOKS * len(looks)


async def _scrape(way: Way) -> float:
    """CPU seconds that Prometheus costs each time that it asks."""
    before = precise_cpu_seconds(way.pid)
    async with httpx2.AsyncClient() as http:
        (await http.get(way.metrics)).raise_for_status()
    return precise_cpu_seconds(way.pid) - before
