"""Sources, jobs, tasks and results to try the transcode scheduler with."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from meshkit.ids import new_id
from services.transcode.media.plan import VideoChunk
from services.transcode.scheduler.domain import Job, JobState
from services.transcode.scheduler.rendition import Result, Segment
from services.transcode.scheduler.source import Source
from services.transcode.scheduler.task import Task, TaskKind
from tests.unit.transcode_media.builders import HLS
from tests.unit.transcode_media.builders import a_source as some_media

NOW = datetime(2026, 1, 1, tzinfo=UTC)


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


def a_source(tenant_id: str = "", **changes: Any) -> Source:
    asset_id = new_id()
    source = Source(
        asset_id=asset_id,
        tenant_id=tenant_id or new_id(),
        object_key=f"assets/{asset_id}/source",
        size=1000,
        file_name="match.mp4",
    )
    return replace(source, **changes)


def a_job(tenant_id: str = "", **changes: Any) -> Job:
    source = a_source(tenant_id)
    job = Job(
        id=new_id(),
        tenant_id=source.tenant_id,
        asset_id=source.asset_id,
        upload_id=None,
        state=JobState.QUEUED,
        preset="hls",
        recipe=HLS.to_json(),
        priority=50,
        source_key=source.object_key,
        source_size=source.size,
        file_name=source.file_name,
        create_time=NOW,
        update_time=NOW,
    )
    return replace(job, **changes)


def a_task(job: Job, **changes: Any) -> Task:
    task = Task(
        id=new_id(),
        job_id=job.id,
        tenant_id=job.tenant_id,
        kind=TaskKind.ENCODE_VIDEO,
        index=0,
        due_time=NOW,
        weight=120.0,
        spec={"frames": 120},
        queue_time=NOW,
    )
    return replace(task, **changes)


def some_facts(**changes: Any) -> dict[str, Any]:
    """Of 20 s of 1080p30 with audio, as a probe gives them: four chunks of the preset `hls`."""
    return some_media(**changes).to_json()


def results_of(task: Task, *, init: str = "init") -> list[Result]:
    """What a worker would have stored for an encode task; chunks whose `init` differs do not belong together."""
    if task.kind is TaskKind.ENCODE_AUDIO:
        return [_result(task, "audio", range(5), 4 * 48_000, 48_000, init)]
    chunk = VideoChunk.from_json(dict(task.spec))
    first = chunk.start_frame // chunk.gop
    numbers = range(first, first - (-chunk.frames // chunk.gop))
    return [_result(task, rung.name, numbers, chunk.gop, 30, init) for rung in chunk.rungs]


def _result(task: Task, name: str, numbers: range, ticks: int, timescale: int, init: str) -> Result:
    folder = f"assets/of/jobs/{task.job_id}/{name}"
    segments = tuple(
        Segment(
            rendition=name,
            number=number,
            key=f"{folder}/{number:06d}-{task.epoch}.m4s",
            size=1000,
            start=number * ticks,
            ticks=ticks,
        )
        for number in numbers
    )
    codec = "mp4a.40.2" if name == "audio" else "avc1.64001f"
    return Result(rendition=name, init_key=f"{folder}/{init}.mp4", codec=codec, timescale=timescale, segments=segments)
