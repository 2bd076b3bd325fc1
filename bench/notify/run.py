"""The figures of notify: a webhook's first attempt, and a thousand readers of the live feed."""

from __future__ import annotations

import asyncio
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import httpx2

from bench.cpu import cpu_of
from bench.figures import Figures, say
from bench.notify.load import tell
from bench.notify.readers import reading
from local.mesh import running_mesh
from meshkit.ids import new_id
from meshkit.nats import Bus, connected
from tests.eventually import eventually
from tests.receiver import receiving

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from local.mesh import RunningMesh
    from tests.receiver import Call

SECONDS = 20.0
CALLS_PER_SECOND = 100.0
READERS = 1000
EVENTS_PER_SECOND = 50.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    figures: Figures
    mesh: RunningMesh
    bus: Bus
    http: httpx2.AsyncClient
    tenant_id: str


def run(*, rounds: int, only: list[str]) -> None:  # noqa: ARG001 - one long round says more than many short ones
    asyncio.run(_run(only))


async def _run(only: list[str]) -> None:
    figures = Figures("notify")
    parts: dict[str, Callable[[Course], Awaitable[None]]] = {"webhooks": webhooks, "feed": feed}
    with tempfile.TemporaryDirectory() as home:
        async with running_mesh(Path(home), workers=0) as mesh, connected(mesh.infra.nats_url, "bench") as bus:
            headers = {"Authorization": f"Bearer {mesh.api_key}"}
            async with httpx2.AsyncClient(base_url=mesh.url, headers=headers) as http:
                tenant_id = (await http.get("/v1/me")).json()["tenant"]["id"]
                course = Course(figures=figures, mesh=mesh, bus=bus, http=http, tenant_id=tenant_id)
                for name, part in parts.items():
                    if not only or name in only:
                        say(f"· {name}")
                        await part(course)
    figures.show()


async def webhooks(course: Course) -> None:
    """From a fact in the stream to the first attempt at its receiver."""
    arrived: dict[str, float] = {}

    async def accept(call: Call) -> tuple[int, dict[str, str]]:
        arrived.setdefault(call.id, time.monotonic())
        return 204, {}

    async with receiving() as receiver:
        receiver.answer = accept
        made = await course.http.post("/v1/webhooks", json={"url": receiver.url})
        made.raise_for_status()
        before = cpu_of([course.mesh.pids["notify"]])
        told = await tell(
            course.bus, course.tenant_id, [new_id() for _ in range(50)], rate=CALLS_PER_SECOND, seconds=SECONDS
        )
        await eventually(lambda: len(arrived) == len(told), within=60)
        cpu = cpu_of([course.mesh.pids["notify"]]) - before
        (await course.http.delete(f"/v1/webhooks/{made.json()['id']}")).raise_for_status()
    waits = [arrived[each] - told[each] for each in told]
    course.figures.add("webhook_first_attempt_ms_p50", 1000 * at(waits, 0.50))
    course.figures.add("webhook_first_attempt_ms_p99", 1000 * at(waits, 0.99), bound="<= 1000")
    course.figures.add("notify_cpu_ms_per_event", 1000 * cpu / len(told))


async def feed(course: Course) -> None:
    """A thousand pages, each on the events of an asset of its own."""
    assets = [new_id() for _ in range(READERS)]
    before = resident(course.mesh.pids["gateway"])
    async with reading(course.mesh.url, course.mesh.api_key, [f"asset_id={each}" for each in assets]) as heard:
        told = await tell(course.bus, course.tenant_id, assets, rate=EVENTS_PER_SECOND, seconds=SECONDS)
        await eventually(lambda: len(heard) >= len(told), within=60)
        grown = resident(course.mesh.pids["gateway"]) - before
    waits = [moment - told[event_id] for event_id, moment in heard]
    course.figures.add("feed_readers", READERS)
    course.figures.add("gateway_growth_mib", grown, bound="<= 150")
    course.figures.add("event_to_reader_ms_p50", 1000 * at(waits, 0.50))
    course.figures.add("event_to_reader_ms_p99", 1000 * at(waits, 0.99), bound="<= 250")


def at(samples: list[float], share: float) -> float:
    return sorted(samples)[min(int(share * len(samples)), len(samples) - 1)]


def resident(pid: int) -> float:
    """MiB in memory, by the kernel's own accounting (proc(5))."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmRSS:")).split()[1]) / 1024
