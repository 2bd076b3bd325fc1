"""The load tests run: little of each, to see that they measure and report."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

import httpx2
import pytest

from bench.transcode.noop import idling
from loadtests.report import at
from loadtests.web import SLOTS, VIDEO_SECONDS, ramp
from loadtests.workers import measure
from tests.eventually import eventually

if TYPE_CHECKING:
    from pathlib import Path

    from local.mesh import RunningMesh
    from tests.clips import Clips
    from tests.e2e.spans import SpanCollector


async def test_load_is_measured(mesh: RunningMesh, spans: SpanCollector, clips: Clips, tmp_path: Path) -> None:
    await asyncio.gather(mesh.stop("worker-1"), mesh.stop("worker-2"))
    try:
        async with idling(mesh, VIDEO_SECONDS, SLOTS) as nothing:
            await the_api(mesh, tmp_path)
            # What is left over would be real work, on files that are none.
            await eventually(lambda: idle(mesh), within=60, every=0.5)
            assert nothing.done
        await a_worker(mesh, spans, clips, tmp_path)
    finally:
        await mesh.start("worker-2")


async def idle(mesh: RunningMesh) -> bool:
    """No job of this tenant waits or runs."""
    async with httpx2.AsyncClient(base_url=mesh.url, headers={"Authorization": f"Bearer {mesh.api_key}"}) as http:
        answers = [await http.get(f"/v1/jobs?state={state}") for state in ("queued", "running")]
    return not any(answer.raise_for_status().json()["items"] for answer in answers)


async def the_api(mesh: RunningMesh, folder: Path) -> None:
    (step,) = await ramp(mesh.url, mesh.api_key, folder, steps=[2], seconds=3)
    assert step.errors == 0, step
    assert 0 < step.p50 <= step.p95 <= step.p99
    names = {each.name for each in step.routes}
    assert {"POST /v1/uploads", "POST /v1/uploads/{id}/complete", "store: PUT part"} <= names
    report = json.loads((folder / "report.json").read_text())
    assert report["rows"][0]["users"] == 2
    assert report["machine"]["cores"]
    assert "<td>2</td>" in (folder / "report.html").read_text()
    assert (folder / "step-2.html").stat().st_size


async def a_worker(mesh: RunningMesh, spans: SpanCollector, clips: Clips, folder: Path) -> None:
    (done,) = await measure(mesh, spans, clips.barcoded("load.mp4", frames=50), folder, videos=1, counts=[1])
    assert done.videos_per_minute > 0
    assert done.cpu_per_video > 0
    assert {"encode_video", "encode_audio"} <= set(done.cpu_per_output_minute)
    tasks = json.loads((folder / "report.json").read_text())["tasks"]["1"]
    assert {"probe source", "encode chunk", "encode audio"} <= set(tasks)


@pytest.mark.parametrize(("share", "seconds"), [(0.5, 0.01), (0.95, 0.2), (0.99, 1.0)])
def test_percentiles_of_counted_times(share: float, seconds: float) -> None:
    assert at({10: 90, 200: 8, 1000: 2}, share) == seconds
