"""Parts of analyses in Postgres, beside the rows of `store`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

from services.transcode.scheduler.tables import ID, JOBS, METADATA, TASKS
from services.transcode.scheduler.task import TASK_OVER, TaskKind, TaskState

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.ext.asyncio import AsyncConnection

ANALYSES = sa.Table(
    "analyses",
    METADATA,
    sa.Column("job_id", ID, primary_key=True),
    sa.Column("index", sa.Integer, primary_key=True),
    sa.Column("part_json", sa.Text),
)


def presentable() -> sa.ColumnElement[bool]:
    """Of a job: all but its analysis is done, and nobody has said so."""
    analysis = JOBS.c.beside[TaskKind.ANALYSIS.value]
    total, done = (sa.func.coalesce(analysis[name].as_integer(), 0) for name in ("total", "done"))
    return sa.and_(JOBS.c.ready_time.is_(None), JOBS.c.tasks_done - done == JOBS.c.tasks_total - total)


class AnalysisRows:
    """Of a transaction."""

    _connection: AsyncConnection

    async def add_part(self, job_id: str, index: int, part_json: str) -> None:
        row = {"job_id": job_id, "index": index, "part_json": part_json}
        await self._connection.execute(sa.insert(ANALYSES).values(row))

    async def parts(self, job_id: str) -> Sequence[str]:
        found = sa.select(ANALYSES.c.part_json).where(ANALYSES.c.job_id == job_id).order_by(ANALYSES.c.index)
        return list((await self._connection.execute(found)).scalars())

    async def forget_parts(self, job_id: str) -> None:
        await self._connection.execute(sa.delete(ANALYSES).where(ANALYSES.c.job_id == job_id))

    async def drop_tasks(self, job_id: str, kind: TaskKind) -> tuple[int, float]:
        left = sa.update(TASKS).where(TASKS.c.job_id == job_id, TASKS.c.kind == kind, TASKS.c.state.not_in(TASK_OVER))
        failed = left.values(state=TaskState.FAILED, lease_expire_time=None, error_code="given_up")
        weights = list((await self._connection.execute(failed.returning(TASKS.c.weight))).scalars())
        return len(weights), sum(weights)
