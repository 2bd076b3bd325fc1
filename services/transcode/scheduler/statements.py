"""What the scheduler asks Postgres for every task, compiled once. Each is a look into an index."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY

from meshkit.statements import Statement
from services.transcode.scheduler.tables import (
    ID,
    JOB_CHANGES,
    JOB_COLUMNS,
    JOBS,
    QUEUED,
    RENDITIONS,
    RUNNING,
    SEGMENT_COLUMNS,
    SEGMENTS,
    SHARES,
    TASK_CHANGES,
    TASK_COLUMNS,
    TASKS,
)


def _changes(of: str, names: list[str]) -> dict[str, sa.BindParameter[Any]]:
    return {name: sa.bindparam(f"{of}_{name}") for name in names}


def changes(of: str, names: list[str], value: object) -> dict[str, Any]:
    """The parameters of a statement that saves these of what `value` says."""
    return {f"{of}_{name}": getattr(value, name) for name in names}


_TENANT, _TASK, _JOB = (sa.bindparam(name, type_=ID) for name in ("tenant_id", "task_id", "job_id"))
_TASK_AND_JOB = sa.select(*TASK_COLUMNS, *JOB_COLUMNS).join_from(JOBS, TASKS, TASKS.c.job_id == JOBS.c.id)
_UPDATE_TASK = sa.update(TASKS).where(TASKS.c.id == _TASK)
_CLAIMABLE = sa.or_(TASKS.c.not_before.is_(None), TASKS.c.not_before <= sa.bindparam("now", type_=sa.DateTime(True)))

LEAST_SERVED = Statement(
    sa.select(SHARES.c.tenant_id)
    .where(SHARES.c.active, SHARES.c.tenant_id != sa.all_(sa.bindparam("passed", type_=ARRAY(ID))))
    .order_by(SHARES.c.spent, SHARES.c.tenant_id)
    .limit(sa.literal_column("1"))
    .with_for_update()
)
FIRST_DUE = Statement(
    _TASK_AND_JOB.where(TASKS.c.tenant_id == _TENANT, QUEUED, _CLAIMABLE)
    .order_by(TASKS.c.due_time, TASKS.c.id)
    .limit(sa.literal_column("1"))
)
_LEAST = (
    sa.select(SHARES.c.tenant_id)
    .where(SHARES.c.active)
    .order_by(SHARES.c.spent, SHARES.c.tenant_id)
    .limit(sa.literal_column("1"))
)
NEXT = Statement(
    _TASK_AND_JOB.where(TASKS.c.tenant_id == _LEAST.scalar_subquery(), QUEUED, _CLAIMABLE)
    .order_by(TASKS.c.due_time, TASKS.c.id)
    .limit(sa.literal_column("1"))
)
_TAKEN = (
    _UPDATE_TASK.where(QUEUED)
    .values(_changes("task", TASK_CHANGES))
    .returning(TASKS.c.tenant_id, TASKS.c.weight)
    .cte("taken")
)
TAKE = Statement(
    sa.update(SHARES)
    .where(SHARES.c.tenant_id == _TAKEN.c.tenant_id)
    .values(spent=SHARES.c.spent + _TAKEN.c.weight)
    .returning(SHARES.c.tenant_id)
)
SAVE_TASK = Statement(_UPDATE_TASK.values(_changes("task", TASK_CHANGES)))
BEAT = Statement(
    _UPDATE_TASK.where(TASKS.c.epoch == sa.bindparam("held_epoch", type_=sa.BigInteger), RUNNING)
    .values(
        progress=sa.func.greatest(TASKS.c.progress, sa.bindparam("reached", type_=sa.Double)),
        lease_expire_time=sa.bindparam("lease_end"),
    )
    .returning(
        TASKS.c.job_id,
        TASKS.c.kind,
        sa.select(JOBS.c.progress_time).where(JOBS.c.id == TASKS.c.job_id).scalar_subquery(),
    )
)
# Locked in the order in which they are named.
TASK_OF_JOB = Statement(_TASK_AND_JOB.where(TASKS.c.id == _TASK).with_for_update(of=[JOBS, TASKS]))
_UPDATE_JOB = sa.update(JOBS).where(JOBS.c.id == _JOB).values(_changes("job", JOB_CHANGES))
SAVE_JOB = Statement(_UPDATE_JOB)
RENDITIONS_OF = Statement(sa.select(RENDITIONS).where(RENDITIONS.c.job_id == _JOB).order_by(RENDITIONS.c.place))
_NEW = (
    sa.func.unnest(*(sa.bindparam(column.name, type_=ARRAY(column.type)) for column in SEGMENT_COLUMNS))
    .table_valued(*(sa.column(column.name, column.type) for column in SEGMENT_COLUMNS))
    .render_derived("new")
)
_ADD_SEGMENTS = sa.insert(SEGMENTS).from_select(
    ["job_id", *(column.name for column in SEGMENT_COLUMNS)], sa.select(_JOB, *_NEW.columns)
)
# A task's result: one round trip for all that it changes.
LAND = Statement(
    _UPDATE_JOB.add_cte(_ADD_SEGMENTS.cte("added"), _UPDATE_TASK.values(_changes("task", TASK_CHANGES)).cte("saved"))
)
SEGMENTS_OF = Statement(
    sa.select(*SEGMENT_COLUMNS).where(SEGMENTS.c.job_id == _JOB).order_by(SEGMENTS.c.rendition, SEGMENTS.c.number)
)
