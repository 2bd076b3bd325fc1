"""A job's way, as its owner sees it: stages and how long each took."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from services.transcode.scheduler.domain import Count, JobState
from services.transcode.scheduler.task import TaskKind

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
    """probe, plan, encode, publish; the first that is not done is where the job stands, or ended.

    Beside encode are those of the tasks that encode nothing, by their kind, and its analysis beside publish.
    """
    probed = job.probe_time is not None
    published = job.ready_time is not None or job.state is JobState.SUCCEEDED
    beside = [(kind, count) for kind, count in job.beside.items() if kind != TaskKind.ANALYSIS]
    analysis = [(TaskKind.ANALYSIS.value, job.analysis)] if job.analysis.total else []
    once = Count(total=1, done=int(probed))
    rows = [
        [("probe", once)],
        [("plan", once)],
        [("encode", job.encoding), *beside],
        [("publish", Count(total=1, done=int(published))), *analysis],
    ]
    standing = _ENDS.get(job.state, "pending" if job.state is JobState.QUEUED else "running")
    made: list[Stage] = []
    for row in rows:
        made += [_stage(name, count, standing, probed=probed) for name, count in row]
        if not probed or any(count.done < count.total for _, count in row):
            standing = "pending"
    return made


def _stage(name: str, count: Count, standing: str, *, probed: bool) -> Stage:
    # Nothing is known to be done of what is not counted yet.
    done = probed and count.done == count.total
    state = "failed" if count.failed else "succeeded" if done else standing
    return Stage(name=name, state=state, tasks_total=count.total, tasks_done=count.done)


def timings(job: Job) -> dict[str, float]:
    """Seconds: each stage's own, and from creation to playable and to the end."""
    spans = {
        "queued": (job.create_time, job.start_time),
        "probe": (job.start_time, job.probe_time),
        "encode": (job.probe_time, job.encode_time),
        "publish": (job.encode_time, job.ready_time or (job.end_time if job.state is JobState.SUCCEEDED else None)),
        "analysis": (job.ready_time if job.analysis.total else None, job.end_time),
        "to_playable": (job.create_time, job.playable_time),
        "total": (job.create_time, job.end_time),
    }
    return {name: _seconds(start, end) for name, (start, end) in spans.items() if start and end}


def eta(job: Job) -> float | None:
    """Seconds until the end, by the speed since its encode began, or began again; None while there is none to go by."""
    if job.state is not JobState.RUNNING or job.pace_time is None:
        return None
    done = job.weight_reached - job.pace_weight
    took = (job.update_time - job.pace_time).total_seconds()
    if done <= 0 or took <= 0:
        return None
    return round(max(job.weight_total - job.weight_reached, 0.0) * took / done, 1)


def _seconds(start: datetime, end: datetime) -> float:
    return round((end - start).total_seconds(), 3)
