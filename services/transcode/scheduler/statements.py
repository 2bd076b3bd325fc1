"""What the scheduler asks Postgres for every task, compiled once. Each is a look into an index."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, insert

from meshkit.statements import Statement
from services.transcode.scheduler.tables import (
    ID,
    JOB_CHANGES,
    JOB_COLUMNS,
    JOB_RUNNING,
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
from services.transcode.scheduler.task import TaskState


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
_WORKERS = sa.bindparam("workers", type_=ARRAY(sa.Text))
_WORKER = sa.func.unnest(_WORKERS).table_valued("id", with_ordinality="place").render_derived("worker")
_ANOTHER = sa.select(SHARES.c.tenant_id).where(SHARES.c.active).offset(sa.literal_column("1")).exists()
# A limit that is known before: else the whole queue may be sorted.
_CANDIDATES = (
    sa.select(TASKS.c.id)
    .where(TASKS.c.tenant_id == _LEAST.scalar_subquery(), QUEUED, _CLAIMABLE)
    .order_by(TASKS.c.due_time, TASKS.c.id)
    .limit(sa.literal_column("4"))
    .cte("candidates")
)
_PICKED = (
    sa.select(TASKS.c.id, TASKS.c.due_time, TASKS.c.job_id)
    .join_from(_CANDIDATES, TASKS, TASKS.c.id == _CANDIDATES.c.id)
    .where(QUEUED)
    .order_by(TASKS.c.due_time, TASKS.c.id)
    # Of several tenants another one may be next after each.
    .limit(sa.case((_ANOTHER, sa.literal_column("1")), else_=sa.func.cardinality(_WORKERS)))
    .with_for_update(of=TASKS, skip_locked=True)
    .cte("picked")
)
_PLACED = (
    sa.select(_PICKED.c.id, sa.func.row_number().over(order_by=(_PICKED.c.due_time, _PICKED.c.id)).label("place"))
    .join_from(_PICKED, JOBS, JOBS.c.id == _PICKED.c.job_id)
    .where(JOB_RUNNING)
    .cte("placed")
)
_CLAIMED = (
    sa.update(TASKS)
    .where(TASKS.c.id == _PLACED.c.id, _WORKER.c.place == _PLACED.c.place)
    .values(
        state=sa.literal_column(f"'{TaskState.RUNNING}'"),
        epoch=TASKS.c.epoch + sa.literal_column("1"),
        attempts=TASKS.c.attempts + sa.literal_column("1"),
        progress=sa.literal_column("0"),
        worker_id=_WORKER.c.id,
        lease_expire_time=sa.bindparam("lease_end"),
        not_before=sa.null(),
    )
    .returning(*TASK_COLUMNS, _PLACED.c.place)
    .cte("claimed")
)
_CHARGED = (
    sa.update(SHARES)
    .where(SHARES.c.tenant_id == sa.select(_CLAIMED.c.tenant_id).distinct().scalar_subquery())
    .values(spent=SHARES.c.spent + sa.select(sa.func.sum(_CLAIMED.c.weight)).scalar_subquery())
    .cte("charged")
)
# The tasks whose turn it is, one for each worker, where that changes nothing of their jobs: what `Task.claim` does.
CLAIM = Statement(
    sa.select(*(_CLAIMED.c[column.name] for column in TASK_COLUMNS), *JOB_COLUMNS)
    .join_from(_CLAIMED, JOBS, JOBS.c.id == _CLAIMED.c.job_id)
    .order_by(_CLAIMED.c.place)
    .add_cte(_CHARGED)
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
_SIGNS = (
    sa.func.unnest(
        sa.bindparam("task_ids", type_=ARRAY(ID)),
        sa.bindparam("epochs", type_=ARRAY(sa.BigInteger)),
        sa.bindparam("reached", type_=ARRAY(sa.Double)),
    )
    .table_valued(sa.column("id", ID), sa.column("epoch", sa.BigInteger), sa.column("reached", sa.Double))
    .render_derived("sign")
)
# Locked in the order of TASKS_OF_JOBS.
_HEARD = (
    sa.select(TASKS.c.id, _SIGNS.c.reached)
    .join_from(TASKS, _SIGNS, sa.and_(TASKS.c.id == _SIGNS.c.id, TASKS.c.epoch == _SIGNS.c.epoch))
    .where(RUNNING)
    .order_by(TASKS.c.job_id, TASKS.c.id)
    .with_for_update(of=TASKS)
    .cte("heard")
)
BEAT = Statement(
    sa.update(TASKS)
    .where(TASKS.c.id == _HEARD.c.id)
    .values(
        progress=sa.func.greatest(TASKS.c.progress, _HEARD.c.reached),
        lease_expire_time=sa.bindparam("lease_end"),
    )
    .returning(
        TASKS.c.id,
        TASKS.c.epoch,
        TASKS.c.job_id,
        TASKS.c.kind,
        sa.select(JOBS.c.progress_time).where(JOBS.c.id == TASKS.c.job_id).scalar_subquery(),
    )
)
# Locked in the order in which they are named.
TASK_OF_JOB = Statement(_TASK_AND_JOB.where(TASKS.c.id == _TASK).with_for_update(of=[JOBS, TASKS]))
_TASKS = sa.bindparam("task_ids", type_=ARRAY(ID))
TASKS_OF_JOBS = Statement(
    _TASK_AND_JOB.where(TASKS.c.id == sa.any_(_TASKS)).order_by(JOBS.c.id, TASKS.c.id).with_for_update(of=[JOBS, TASKS])
)
_UPDATE_JOB = sa.update(JOBS).where(JOBS.c.id == _JOB).values(_changes("job", JOB_CHANGES))
SAVE_JOB = Statement(_UPDATE_JOB)
RENDITIONS_OF = Statement(sa.select(RENDITIONS).where(RENDITIONS.c.job_id == _JOB).order_by(RENDITIONS.c.place))
_NEW = (
    sa.func.unnest(*(sa.bindparam(column.name, type_=ARRAY(column.type)) for column in SEGMENT_COLUMNS))
    .table_valued(*(sa.column(column.name, column.type) for column in SEGMENT_COLUMNS))
    .render_derived("new")
)
# Those that landed before their task was done stay as they are.
_ADD_SEGMENTS = (
    insert(SEGMENTS)
    .from_select(["job_id", *(column.name for column in SEGMENT_COLUMNS)], sa.select(_JOB, *_NEW.columns))
    .on_conflict_do_nothing()
)
_SUCCEEDED = (
    sa.update(TASKS)
    .where(TASKS.c.id == sa.any_(_TASKS))
    .values(
        state=sa.literal_column(f"'{TaskState.SUCCEEDED}'"),
        progress=sa.literal_column("1"),
        lease_expire_time=sa.null(),
    )
)
# Results of a job's tasks: one round trip for all that they change.
LAND = Statement(_UPDATE_JOB.add_cte(_ADD_SEGMENTS.cte("added"), _SUCCEEDED.cte("saved")))
SEGMENTS_OF = Statement(
    sa.select(*SEGMENT_COLUMNS).where(SEGMENTS.c.job_id == _JOB).order_by(SEGMENTS.c.rendition, SEGMENTS.c.number)
)
