"""A plan's chunks and audio as tasks and renditions of a job."""

from __future__ import annotations

from typing import TYPE_CHECKING

from meshkit.ids import new_id
from services.transcode.scheduler.domain import BULK_BELOW, Rendition, Task, TaskKind

if TYPE_CHECKING:
    from datetime import datetime

    from services.transcode.media.plan import Plan
    from services.transcode.scheduler.domain import Job

AUDIO = "audio"
_AUDIO_COST = 0.01
"""Of encoding the video of the same length; measured on a 1080p ladder."""


def tasks(job: Job, plan: Plan, now: datetime) -> list[Task]:
    """Lowest latency first: the first chunk, the audio, then the other chunks by number."""
    later = "bulk" if job.priority < BULK_BELOW else "normal"
    video = [
        Task(
            id=new_id(),
            job_id=job.id,
            kind=TaskKind.ENCODE_VIDEO,
            index=chunk.index,
            priority=later if chunk.index else "first",
            weight=float(chunk.frames),
            spec=chunk.to_json(),
            queue_time=now,
        )
        for chunk in plan.chunks
    ]
    if plan.audio is None:
        return video
    audio = Task(
        id=new_id(),
        job_id=job.id,
        kind=TaskKind.ENCODE_AUDIO,
        index=0,
        priority="first",
        weight=max(_AUDIO_COST * sum(each.weight for each in video), 1.0),
        spec=plan.audio.to_json(),
        queue_time=now,
    )
    return [*video[:1], audio, *video[1:]]


def renditions(job: Job, plan: Plan) -> list[Rendition]:
    """The rungs from the highest down, then the audio."""
    video = [
        Rendition(
            job_id=job.id,
            name=rung.name,
            kind="video",
            place=place,
            width=rung.width,
            height=rung.height,
            frame_rate=str(rung.frame_rate),
        )
        for place, rung in enumerate(plan.rungs)
    ]
    audio = [Rendition(job_id=job.id, name=AUDIO, kind="audio", place=len(video))] if plan.audio else []
    return [*video, *audio]
