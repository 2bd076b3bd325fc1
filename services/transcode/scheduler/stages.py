"""A job's way, as its owner sees it: stages and how long each took."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from services.transcode.scheduler.domain import JobState

if TYPE_CHECKING:
    from datetime import datetime

    from services.transcode.scheduler.domain import Job

_ENDS = {JobState.FAILED: "failed", JobState.CANCELLED: "cancelled"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """`state` is pending, running, succeeded, failed or cancelled."""

    name: str
    state: str
    tasks_total: int
    tasks_done: int


def stages(job: Job) -> list[Stage]:
    """probe, plan, encode, publish; the first that is not done is where the job stands, or ended."""
    probed, encoded = job.probe_time is not None, job.encode_time is not None
    published = job.state is JobState.SUCCEEDED
    rows = [
        ("probe", probed, 1, int(probed)),
        ("plan", probed, 1, int(probed)),
        ("encode", encoded, job.tasks_total, job.tasks_done),
        ("publish", published, 1, int(published)),
    ]
    standing = _ENDS.get(job.state, "pending" if job.state is JobState.QUEUED else "running")
    made = []
    for name, done, total, count in rows:
        made.append(Stage(name=name, state="succeeded" if done else standing, tasks_total=total, tasks_done=count))
        if not done:
            standing = "pending"
    return made


def timings(job: Job) -> dict[str, float]:
    """Seconds: each stage's own, and from creation to playable and to the end."""
    spans = {
        "queued": (job.create_time, job.start_time),
        "probe": (job.start_time, job.probe_time),
        "encode": (job.probe_time, job.encode_time),
        "publish": (job.encode_time, job.end_time if job.state is JobState.SUCCEEDED else None),
        "to_playable": (job.create_time, job.playable_time),
        "total": (job.create_time, job.end_time),
    }
    return {name: _seconds(start, end) for name, (start, end) in spans.items() if start and end}


def _seconds(start: datetime, end: datetime) -> float:
    return round((end - start).total_seconds(), 3)
