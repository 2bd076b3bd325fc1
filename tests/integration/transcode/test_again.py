"""Jobs that are stopped, and begun again where they stopped."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from google.protobuf import json_format
from reelmesh.transcode.v1 import transcode_pb2

from tests.clips import pictures
from tests.eventually import eventually

if TYPE_CHECKING:
    from tests.clips import Clips
    from tests.integration.transcode.studio import Studio
    from tests.integration.transcode.workers import Running, Workers

pytestmark = pytest.mark.usefixtures("address")
Job = transcode_pb2.Job
STOPPED_WITHIN = 2.0


def programs(worker: Running) -> list[str]:
    """Processes that run in the worker's scratch folder."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if process.joinpath("cwd").readlink().is_relative_to(worker.scratch):
                found.append(process.name)
        except OSError:
            continue
    return found


async def test_cancelling_ends_ffmpeg_and_frees_its_scratch(studio: Studio, workers: Workers, slow_clip: Path) -> None:
    async with workers.working(studio.address) as worker:
        job = await studio.job_of(await studio.bring_in(slow_clip))
        await eventually(lambda: worker.encoding and programs(worker), within=30)
        await studio.cancel(job)
        cancelled = time.monotonic()
        await eventually(lambda: not programs(worker) and not worker.busy, within=10)
        took = time.monotonic() - cancelled
    assert took < STOPPED_WITHIN


async def test_a_job_that_is_begun_again_does_only_what_is_missing(
    studio: Studio, workers: Workers, clips: Clips, tmp_path: Path
) -> None:
    long = clips.barcoded("long.mp4", frames=280, rate="10")

    async def epochs() -> dict[str, int]:
        """Of the tasks that are done."""
        return {str(task.id): task.epoch for task in await studio.tasks(job) if task.state == "succeeded"}

    async def some_are_done() -> bool:
        return len(await epochs()) >= 3

    async with workers.working(studio.address) as worker:
        job = await studio.job_of(await studio.bring_in(long))
        await eventually(some_are_done, within=30)
        job = await studio.cancel(job)
        await eventually(lambda: not worker.busy)
        done = await epochs()
        assert {output.state for output in job.outputs} <= {transcode_pb2.JobOutput.STATE_ERRORED}
        assert (await studio.retry(job)).state == Job.STATE_QUEUED
        job = await studio.ended(job)
    assert job.state == Job.STATE_SUCCEEDED, json_format.MessageToJson(job)
    assert (job.attempts, job.progress) == (2, 1.0)
    after = await epochs()
    assert len(after) > len(done) >= 3
    assert {task: after[task] for task in done} == done
    shown = pictures(await studio.track(job, "v180.m3u8", tmp_path / "video.mp4"))
    assert [picture.number for picture in shown] == list(range(280))
