"""Uploads against boto3's own, and what they cost the services. BENCH_MIB: the file's size, 512 when not said."""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import httpx2
from reelmesh_client import Client

from bench.cpu import cpu_seconds, peak_growth, precise_cpu_seconds, spent
from bench.figures import Figures, median, say
from bench.upload import npm, ways
from local.mesh import running_mesh

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from local.mesh import RunningMesh

MEBIBYTE = 1 << 20
MIB = int(os.environ.get("BENCH_MIB", "512"))
FOLDER = Path(".reelmesh") / "bench"
PARTS = 500
SERVICES = ("gateway", "upload")
LARGE = '{"max_size": 107374182400}'


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """What every part of the benchmark runs on."""

    figures: Figures
    mesh: RunningMesh
    client: Client
    direct: ways.Direct
    file: Path
    rounds: int

    def presigned(self, file: Path | None = None) -> float:
        return ways.presigned(self.client, file or self.file)

    def tus(self, file: Path | None = None) -> float:
        return ways.tus(f"{self.mesh.url}/v1/tus", self.mesh.api_key, file or self.file)

    async def timed(self, way: Callable[[], float]) -> tuple[float, dict[str, float]]:
        """Seconds, and CPU seconds per GiB of each process; `client` is this one, with boto3 in it."""
        mine = time.process_time()
        with spent(self.mesh.pids) as cost:
            seconds = await asyncio.to_thread(way)
        cost["client"] = time.process_time() - mine
        return seconds, {name: value * 1024 / MIB for name, value in cost.items()}

    def tidy(self) -> None:
        for prefix in ("bench/", "assets/"):
            self.direct.forget(prefix)


def run(*, rounds: int, only: list[str]) -> None:
    asyncio.run(_run(rounds, only))


async def _run(rounds: int, only: list[str]) -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    figures = Figures("upload")
    parts: dict[str, Callable[[Course], Awaitable[None]]] = {
        "presigned": presigned,
        "tus": tus,
        "memory": memory,
        "session": session,
        "npm": beside_npm,
    }
    with tempfile.TemporaryDirectory() as home:
        async with running_mesh(Path(home), workers=0, env={"UPLOAD_POLICY": LARGE}) as mesh:
            with Client(mesh.url, mesh.api_key) as client:
                course = Course(
                    figures=figures,
                    mesh=mesh,
                    client=client,
                    direct=ways.Direct(mesh.infra),
                    file=await asyncio.to_thread(_file, MIB),
                    rounds=rounds,
                )
                for name, part in parts.items():
                    if not only or name in only:
                        say(f"· {name}")
                        await part(course)
    figures.show()


async def presigned(course: Course) -> None:
    """Turn by turn with boto3's own multipart upload, in as many parts at a time."""
    ratios, their_costs, our_costs = [], [], []
    for number in range(course.rounds):
        theirs, their_cost = await course.timed(partial(course.direct.send, course.file))
        ours, our_cost = await course.timed(course.presigned)
        course.tidy()
        ratios.append(theirs / ours)
        their_costs.append(their_cost)
        our_costs.append(our_cost)
        say(f"  {number + 1}: boto3 {MIB / theirs:.0f} MiB/s, presigned {MIB / ours:.0f} MiB/s")
    course.figures.add("presigned_to_boto3", median(ratios), bound=">= 0.95", samples=ratios)
    course.figures.split("boto3_cpu_seconds_per_gib", their_costs)
    course.figures.split("presigned_cpu_seconds_per_gib", our_costs)


async def tus(course: Course) -> None:
    """Turn by turn with presigned parts; the gateway's own cost."""
    ratios, costs, growths = [], [], []
    pid = course.mesh.pids["gateway"]
    for number in range(course.rounds):
        straight, _ = await course.timed(course.presigned)
        with peak_growth(pid) as grown:
            through, cost = await course.timed(course.tus)
        course.tidy()
        ratios.append(straight / through)
        costs.append(cost)
        growths.append(grown[0] / MEBIBYTE)
        shown = f"presigned {MIB / straight:.0f} MiB/s, tus {MIB / through:.0f} MiB/s"
        say(f"  {number + 1}: {shown}, {cost['gateway']:.2f} CPU-s/GiB")
    gateway = [cost["gateway"] for cost in costs]
    course.figures.add("tus_to_presigned", median(ratios), bound=">= 0.85", samples=ratios)
    course.figures.add("tus_gateway_cpu_seconds_per_gib", median(gateway), bound="<= 1.2", samples=gateway)
    course.figures.add("tus_gateway_rss_growth_mib", max(growths), bound="<= 100", samples=growths)
    course.figures.split("tus_cpu_seconds_per_gib", costs)


async def memory(course: Course) -> None:
    """Ten times the file, 5 GiB when not said otherwise, by either way: no service may notice."""
    large = await asyncio.to_thread(_file, 10 * MIB)
    for name, way in (("presigned", course.presigned), ("tus", course.tus)):
        with ExitStack() as stack:
            services = {each: pid for each, pid in course.mesh.pids.items() if each in course.mesh.services}
            grown = {each: stack.enter_context(peak_growth(pid)) for each, pid in services.items()}
            await asyncio.to_thread(way, large)
        course.tidy()
        growths = {each: sample[0] / MEBIBYTE for each, sample in grown.items()}
        course.figures.add(f"{name}_{10 * MIB}_mib_rss_growth_mib", max(growths.values()), bound="<= 64")
        course.figures.split(f"{name}_rss_growth_mib", [growths])
    large.unlink()


async def session(course: Course) -> None:
    """An upload of PARTS parts with all its URLs: CPU of gateway and upload service together."""
    pids = {name: course.mesh.pids[name] for name in SERVICES}
    costs = []
    headers = {"Authorization": f"Bearer {course.mesh.api_key}"}
    with httpx2.Client(base_url=course.mesh.url, headers=headers) as http:
        for _ in range(20 * course.rounds):
            # Until the end of the one before is told of everywhere.
            await asyncio.sleep(0.2)
            before = {name: precise_cpu_seconds(pid) for name, pid in pids.items()}
            with _session(http):
                costs.append({name: (precise_cpu_seconds(pid) - before[name]) * 1000 for name, pid in pids.items()})
    total = median([sum(cost.values()) for cost in costs])
    course.figures.add(f"session_of_{PARTS}_parts_cpu_ms_p50", total, bound="<= 15")
    course.figures.split("session_cpu_ms", costs)


async def beside_npm(course: Course) -> None:
    """Turn by turn with npm's tus server before the same store."""
    if shutil.which("npm") is None:
        say("  no npm here")
        return
    speeds, costs = [], []
    ours = course.mesh.pids["gateway"]
    with npm.running(FOLDER / "npm", course.mesh.infra) as (url, theirs):
        for number in range(course.rounds):
            before = cpu_seconds(theirs)
            their_time = await asyncio.to_thread(ways.tus, url, "", course.file)
            their_cost, before = cpu_seconds(theirs) - before, cpu_seconds(ours)
            our_time = await asyncio.to_thread(course.tus)
            our_cost = cpu_seconds(ours) - before
            course.direct.forget("")
            speeds.append(their_time / our_time)
            costs.append(our_cost / their_cost)
            say(f"  {number + 1}: npm {their_time:.1f} s, {their_cost:.2f} CPU-s")
            say(f"     we {our_time:.1f} s, {our_cost:.2f} CPU-s")
    course.figures.add("tus_to_npm", median(speeds), bound=">= 1.3", samples=speeds)
    course.figures.add("tus_cpu_to_npm", median(costs), bound="<= 0.33", samples=costs)


@contextmanager
def _session(http: httpx2.Client) -> Iterator[None]:
    """An upload that is open inside: those that stayed so would be watched, and measured with the ones that follow."""
    upload = http.post("/v1/uploads", json={"file_name": "long.mp4", "size": PARTS * ways.PART}).json()
    rest = list(range(len(upload["parts"]) + 1, PARTS + 1))
    signed = http.post(f"/v1/uploads/{upload['id']}/parts", json={"part_numbers": rest}).json()
    assert len(upload["parts"]) + len(signed["parts"]) == PARTS
    yield
    http.delete(f"/v1/uploads/{upload['id']}").raise_for_status()


def _file(mebibytes: int) -> Path:
    path = FOLDER / f"random-{mebibytes}.mp4"
    if not path.exists():
        part = path.with_suffix(".part")
        with part.open("wb") as file:
            for _ in range(mebibytes):
                file.write(os.urandom(MEBIBYTE))
        part.rename(path)
    return path
