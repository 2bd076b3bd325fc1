"""CPU of a gateway per request, with telemetry as it is configured, against one without any. BENCH_CALLS: a turn's."""

from __future__ import annotations

import asyncio
import os
import tempfile
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
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

CALLS = int(os.environ.get("BENCH_CALLS", "100"))
TURNS = 15
"""Of a round. Short ones, one way after the other: what disturbs the machine for a while disturbs all ways alike."""
OFF = "without"
NO_LIMIT = '{"read": ""}'


def run(*, rounds: int, only: Sequence[str]) -> None:
    asyncio.run(_run(rounds, only))


async def _run(rounds: int, only: Sequence[str]) -> None:
    figures = Figures("telemetry")
    costs: dict[str, list[float]] = {}
    async with AsyncExitStack() as stack:
        collector = await stack.enter_async_context(collecting())
        home = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        mesh = await stack.enter_async_context(running_mesh(home, workers=0, durable=False))
        gateways = {
            name: await stack.enter_async_context(_gateway(mesh, name, env))
            for name, env in _ways(collector.endpoint).items()
            if not only or name in {*only, OFF}
        }
        # Turn by turn; the first turn warms up.
        for turn in range(rounds * TURNS + 1):
            for name, (pid, url) in gateways.items():
                cost = await _cost(pid, url, mesh.api_key)
                if turn:
                    costs.setdefault(name, []).append(cost)
            if turn and not turn % TURNS:
                told = ", ".join(f"{name} {1000 * median(each):.3f} ms" for name, each in costs.items())
                say(f"  {turn}: {told}; {len(collector.spans)} spans")
                collector.spans.clear()
    _tell(figures, costs)


def _tell(figures: Figures, costs: Mapping[str, list[float]]) -> None:
    for name, samples in costs.items():
        figures.add(f"{name}_cpu_ms_per_request", 1000 * median(samples), samples=[1000 * each for each in samples])
    for name in costs.keys() - {OFF}:
        more = [cost / least - 1 for cost, least in zip(costs[name], costs[OFF], strict=True)]
        figures.add(f"{name}_overhead", median(more), bound="" if name == "all_traces" else "<= 0.03", samples=more)
    figures.show()


def _ways(endpoint: str) -> dict[str, dict[str, str]]:
    sending = {"OTEL_EXPORTER_OTLP_ENDPOINT": endpoint, "OTEL_EXPORTER_OTLP_INSECURE": "true"}
    tenth = {"OTEL_TRACES_SAMPLER": "parentbased_traceidratio", "OTEL_TRACES_SAMPLER_ARG": "0.1"}
    return {
        OFF: {"OTEL_SDK_DISABLED": "true"},
        "metrics": {},
        "tenth_of_traces": sending | tenth,
        "all_traces": sending,
    }


@asynccontextmanager
async def _gateway(mesh: RunningMesh, name: str, env: Mapping[str, str]) -> AsyncIterator[tuple[int, str]]:
    """One more gateway of the mesh: its process and its address."""
    program = mesh.services["gateway"].child.program
    home = home_at(mesh.home)
    port = ports_of(home).take(f"gateway-{name}")
    told = {**program.env, **env, "HTTP_PORT": str(port), "RATE_LIMITS": NO_LIMIT, "LOG_LEVEL": "warning"}
    child = Child(replace(program, name=f"gateway-{name}", env=told), home)
    await child.start()
    try:
        await child.wait_ready(partial(probe.http_ok, port, "/readyz"))
        yield child.pid, f"http://127.0.0.1:{port}"
    finally:
        await child.stop()


async def _cost(pid: int, url: str, api_key: str) -> float:
    """CPU seconds of one request that asks another service."""
    async with httpx2.AsyncClient(base_url=url, headers={"Authorization": f"Bearer {api_key}"}) as http:
        (await http.get("/v1/assets")).raise_for_status()
        before = precise_cpu_seconds(pid)
        for _ in range(CALLS):
            (await http.get("/v1/assets?page_size=1")).raise_for_status()
        return (precise_cpu_seconds(pid) - before) / CALLS
