"""Worker throughput: so many videos of so many megabytes wait as tasks, and 1, 2 and 4 workers work them off."""

from __future__ import annotations

import asyncio
import math
import os
import statistics
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpx2
from prometheus_client.parser import text_string_to_metric_families
from reelmesh_client import Client

from bench.cpu import cpu_of
from bench.figures import say
from bench.transcode.source import source
from loadtests.report import write_page
from local.mesh import running_mesh
from tests.e2e.spans import collecting

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from local.mesh import RunningMesh
    from tests.e2e.spans import SpanCollector

MB = 1_000_000
_SAMPLE_SECONDS = 8
LONGEST = 3600.0
"""Seconds until a run is given up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """What one number of workers came to; times in seconds."""

    workers: int
    wall: float
    videos_per_minute: float
    queue_age_max: float
    cpu_per_video: float
    """Of workers and their programs."""
    cpu_per_output_minute: dict[str, float]
    """By kind of task, of the programs alone."""
    tasks: dict[str, list[float]]
    """How long each took, by its span."""

    def row(self) -> dict[str, Any]:
        costs = {f"cpu_per_output_minute {kind}": round(cost, 2) for kind, cost in self.cpu_per_output_minute.items()}
        medians = {f"{name}, median": round(statistics.median(each), 2) for name, each in sorted(self.tasks.items())}
        return {
            "workers": self.workers,
            "videos_per_minute": round(self.videos_per_minute, 2),
            "wall": round(self.wall, 1),
            "queue_age_max": round(self.queue_age_max, 1),
            "cpu_per_video": round(self.cpu_per_video, 2),
            **costs,
            **medians,
        }


async def run(folder: Path) -> None:
    videos, megabytes = int(os.environ.get("VIDEOS", "8")), float(os.environ.get("MB", "10"))
    counts = [int(each) for each in os.environ.get("WORKERS", "1,2,4").split(",")]
    clip = await asyncio.to_thread(sized, folder, megabytes)
    async with collecting() as collector:
        env = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.endpoint, "OTEL_EXPORTER_OTLP_INSECURE": "true"}
        started = running_mesh(folder / "mesh", workers=max(counts), durable=False, env=env, metrics=True)
        async with started as mesh:
            await measure(mesh, collector, clip, folder, videos=videos, counts=counts)


def sized(folder: Path, megabytes: float) -> Path:
    """A real clip of about so many megabytes."""
    sample = source(folder, _SAMPLE_SECONDS)
    seconds = math.ceil(_SAMPLE_SECONDS * megabytes * MB / sample.stat().st_size)
    return source(folder, seconds)


async def measure(
    mesh: RunningMesh, collector: SpanCollector, clip: Path, folder: Path, *, videos: int, counts: Sequence[int]
) -> list[Round]:
    """`mesh` has at least as many workers as `counts` asks for; those of the last round go on in the end."""
    workers = [name for name in mesh.services if name.startswith("worker-")]
    rounds = []
    for count in counts:
        await asyncio.gather(*map(mesh.stop, workers))
        waiting = await asyncio.to_thread(_brought, mesh, clip, folder, videos)
        collector.spans.clear()
        rounds.append(await _round(mesh, collector, workers[:count], waiting))
        say(f"  {rounds[-1].row()}")
    size = await asyncio.to_thread(clip.stat)
    facts = {"videos": videos, "mb_each": round(size.st_size / MB, 2)}
    tasks = {str(each.workers): each.tasks for each in rounds}
    write_page(folder, "Worker throughput", facts, [each.row() for each in rounds], more={"tasks": tasks})
    return rounds


async def _round(mesh: RunningMesh, collector: SpanCollector, workers: list[str], waiting: set[str]) -> Round:
    videos = len(waiting)
    await asyncio.gather(*map(mesh.start, workers))
    pids = [mesh.pids[name] for name in workers]
    before, began, oldest = cpu_of(pids), asyncio.get_running_loop().time(), 0.0
    headers = {"Authorization": f"Bearer {mesh.api_key}"}
    async with asyncio.timeout(LONGEST), httpx2.AsyncClient(base_url=mesh.url, headers=headers) as http:
        while waiting:
            await asyncio.sleep(1.0)
            waiting -= {each for each in waiting if await _over(http, each)}
            ages = await _shown(http, mesh.metrics["scheduler"], "reelmesh_task_queue_age_seconds")
            oldest = max([oldest, *ages.values()])
        wall = asyncio.get_running_loop().time() - began
        used = cpu_of(pids) - before
        costs = await _costs(http, [mesh.metrics[name] for name in workers])
        # Workers send their spans once a second.
        await asyncio.sleep(2.0)
    tasks: dict[str, list[float]] = defaultdict(list)
    for span in collector.spans:
        if span.service == "transcode-worker" and "task.id" in span.attributes:
            tasks[span.name].append(round(span.seconds, 3))
    return Round(
        workers=len(workers),
        wall=wall,
        videos_per_minute=60 * videos / wall,
        queue_age_max=oldest,
        cpu_per_video=used / videos,
        cpu_per_output_minute=costs,
        tasks=dict(tasks),
    )


def _brought(mesh: RunningMesh, clip: Path, folder: Path, videos: int) -> set[str]:
    """Assets whose tasks wait. No two files are the same: what was made once is not made again."""
    with Client(mesh.url, mesh.api_key) as client:
        assets = set()
        for number in range(videos):
            copy = folder / f"video-{number}.mp4"
            # An MP4 may end with a box that means nothing (ISO/IEC 14496-12, section 8.1.2).
            copy.write_bytes(clip.read_bytes() + (24).to_bytes(4, "big") + b"free" + os.urandom(16))
            assets.add(client.upload_file(copy))
            copy.unlink()
    return assets


async def _over(http: httpx2.AsyncClient, asset_id: str) -> bool:
    asset = (await http.get(f"/v1/assets/{asset_id}")).raise_for_status().json()
    if asset["state"] == "failed":
        raise RuntimeError(f"{asset_id} failed: {asset['error']}")
    return bool(asset["state"] == "ready")


async def _costs(http: httpx2.AsyncClient, workers: list[str]) -> dict[str, float]:
    """CPU-seconds per minute of output. Workers count from zero: they have just been started."""
    cpu: dict[str, float] = defaultdict(float)
    output: dict[str, float] = defaultdict(float)
    for url in workers:
        for series, sums in (("cpu", cpu), ("output", output)):
            for kind, value in (await _shown(http, url, f"reelmesh_encode_{series}_time_seconds_total")).items():
                sums[kind] += value
    return {kind: 60 * cpu[kind] / output[kind] for kind in sorted(output)}


async def _shown(http: httpx2.AsyncClient, url: str, series: str) -> dict[str, float]:
    """By kind of task."""
    text = (await http.get(url)).raise_for_status().text
    samples = (sample for family in text_string_to_metric_families(text) for sample in family.samples)
    return {sample.labels["kind"]: sample.value for sample in samples if sample.name == series}
