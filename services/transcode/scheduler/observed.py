"""What of jobs and tasks is measured."""

from __future__ import annotations

from typing import TYPE_CHECKING, get_args

import sqlalchemy as sa

from meshkit import instruments
from meshkit.db import after_commit
from services.transcode.media.errors import EditReason, Reason
from services.transcode.scheduler.domain import JOB_OVER, JobState
from services.transcode.scheduler.tables import QUEUED, RUNNING, TASKS
from services.transcode.scheduler.task import TaskKind, TaskState

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection

    from meshkit.db import Database
    from services.transcode.scheduler.domain import Job
    from services.transcode.scheduler.task import Task

OF_SOURCES = frozenset(
    {*get_args(Reason), *get_args(EditReason), "checksum_mismatch", "source_missing", "unknown_preset"}
)
"""Reasons of failure for which no part of the mesh is to blame, but what it was given."""
_OF_MESH = ("encode_failed", "objects_unavailable")
"""The most usual ones; whatever else is not of sources is of the mesh, too."""
# Each half reads a partial index of tasks that are not over.
_AGE = sa.func.extract("epoch", sa.func.clock_timestamp() - sa.func.min(TASKS.c.queue_time))
_COUNTED = sa.select(TASKS.c.kind, TASKS.c.state, sa.func.count(), _AGE).group_by(TASKS.c.kind, TASKS.c.state)
_LIVE = sa.union_all(_COUNTED.where(QUEUED), _COUNTED.where(RUNNING))


class Waiting:
    def __init__(self, db: Database) -> None:
        self._db = db
        # From zero on, so that the first one is an increase.
        for kind in TaskKind:
            instruments.TASKS_REQUEUED.add(0, kind=kind)
        for reason in (*_OF_MESH, *OF_SOURCES):
            instruments.JOBS_ENDED.add(0, state=JobState.FAILED, reason=reason, blame=_blame(reason))

    async def look(self) -> None:
        """How many tasks there are to do, and for how long."""
        async with self._db.transaction() as connection:
            rows = {(row[0], row[1]): (row[2], row[3]) for row in await connection.execute(_LIVE)}
        for kind in TaskKind:
            for state in (TaskState.QUEUED, TaskState.RUNNING):
                count, age = rows.get((kind, state), (0, 0.0))
                instruments.TASKS.set(count, kind=kind, state=state)
                if state is TaskState.QUEUED:
                    instruments.TASK_QUEUE_AGE.set(max(float(age), 0.0), kind=kind)


def job_said(connection: AsyncConnection, job: Job, fact: str) -> None:
    """What a job's transition says of the mesh, once it is committed."""
    if fact == "playable":
        after_commit(connection, lambda: instruments.JOB_PLAYABLE.record(_seconds(job)))
    elif fact in JOB_OVER:
        after_commit(connection, lambda: _ended(job))


def task_saved(connection: AsyncConnection, task: Task) -> None:
    if task.state is TaskState.QUEUED:
        after_commit(connection, lambda: instruments.TASKS_REQUEUED.add(kind=task.kind))
    elif task.over:
        after_commit(connection, lambda: instruments.TASKS_ENDED.add(kind=task.kind, state=task.state))


def _ended(job: Job) -> None:
    reason = job.error_code if job.state is JobState.FAILED else ""
    instruments.JOBS_ENDED.add(state=job.state, reason=reason, blame=_blame(reason) if reason else "")
    instruments.JOB_DURATION.record(_seconds(job), state=job.state)


def _blame(reason: str) -> str:
    return "source" if reason in OF_SOURCES else "mesh"


def _seconds(job: Job) -> float:
    return max((job.update_time - job.create_time).total_seconds(), 0.0)
