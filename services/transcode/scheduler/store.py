"""Jobs, tasks and what they made, in Postgres."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from meshkit import once, outbox, telemetry
from services.transcode.scheduler import observed, turns, wire
from services.transcode.scheduler.analysis_rows import ANALYSES, AnalysisRows, presentable
from services.transcode.scheduler.attempt_rows import ATTEMPTS, AttemptRows
from services.transcode.scheduler.domain import JOB_OVER, JobState
from services.transcode.scheduler.preset_rows import PresetRows
from services.transcode.scheduler.quota_rows import QuotaRows
from services.transcode.scheduler.quotas import NO_LIMITS, Limits
from services.transcode.scheduler.result_rows import ResultRows
from services.transcode.scheduler.same_rows import SameRows
from services.transcode.scheduler.signal_rows import SignalRows
from services.transcode.scheduler.source_rows import SourceRows
from services.transcode.scheduler.statements import (
    SAVE_JOB,
    SAVE_TASK,
    TAKE,
    TASK_OF_JOB,
    TASKS_OF_JOBS,
    changes,
)
from services.transcode.scheduler.tables import (
    FILES,
    JOB_CHANGES,
    JOB_COLUMNS,
    JOB_LOST,
    JOB_RUNNING,
    JOBS,
    QUEUED,
    RENDITIONS,
    RUNNING,
    SEGMENTS,
    SOURCES,
    TASK_CHANGES,
    TASK_COLUMNS,
    TASKS,
    to_both,
    to_job,
    to_task,
)
from services.transcode.scheduler.task import OPTIONAL, TaskState

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence
    from datetime import datetime

    from sqlalchemy.ext.asyncio import AsyncConnection

    from meshkit.db import Database
    from services.transcode.scheduler.domain import Job
    from services.transcode.scheduler.task import Task


class PostgresStore:
    def __init__(self, db: Database, limits: Limits = NO_LIMITS) -> None:
        """`limits` are those of tenants that have none of their own."""
        self._db = db
        self._limits = limits

    @asynccontextmanager
    async def signals(self) -> AsyncIterator[SignalRows]:
        async with self._db.direct_autocommit() as connection:
            yield SignalRows(connection)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[PostgresTransaction]:
        async with self._db.transaction() as connection:
            yield PostgresTransaction(connection, self._limits)

    @asynccontextmanager
    async def at_once(self) -> AsyncIterator[PostgresTransaction]:
        async with self._db.autocommit() as connection:
            yield PostgresTransaction(connection, self._limits)


class PostgresTransaction(QuotaRows, SourceRows, SameRows, ResultRows, AnalysisRows, AttemptRows, PresetRows):
    def __init__(self, connection: AsyncConnection, limits: Limits) -> None:
        super().__init__(connection, limits)
        self._read: dict[str, Job] = {}
        """Jobs as they are in the database: what is large is written only when it changes."""

    async def first_time(self, consumer: str, message_id: str) -> bool:
        return await outbox.first_time(self._connection, consumer, message_id)

    async def known_facts(self, tenant_id: str, asset_id: str) -> Mapping[str, Any] | None:
        mine = JOBS.c.tenant_id == tenant_id, JOBS.c.asset_id == asset_id, JOBS.c.facts.is_not(None)
        found = sa.select(JOBS.c.facts).where(*mine).order_by(JOBS.c.id.desc()).limit(1)
        facts: Mapping[str, Any] | None = (await self._execute(found)).scalar()
        return facts

    async def purge(self, tenant_id: str, asset_id: str) -> None:
        mine = JOBS.c.tenant_id == tenant_id, JOBS.c.asset_id == asset_id
        found = await self._execute(sa.select(JOBS.c.id).where(*mine).order_by(JOBS.c.id).with_for_update())
        jobs = list(found.scalars())
        for table in (ANALYSES, ATTEMPTS, FILES, SEGMENTS, RENDITIONS, TASKS):
            await self._execute(sa.delete(table).where(table.c.job_id.in_(jobs)))
        await self._execute(sa.delete(JOBS).where(JOBS.c.id.in_(jobs)))
        await self._execute(sa.delete(SOURCES).where(SOURCES.c.tenant_id == tenant_id, SOURCES.c.asset_id == asset_id))

    async def add_job(self, job: Job, request_id: str) -> Job:
        await once.only(self._connection, job.tenant_id, request_id)
        row = asdict(job) | {"request_id": request_id or None}
        statement = insert(JOBS).values(row).on_conflict_do_nothing(constraint="jobs_request_id_key")
        if (await self._execute(statement.returning(JOBS.c.id))).first() is not None:
            return job
        kept = sa.select(*JOB_COLUMNS).where(JOBS.c.tenant_id == job.tenant_id, JOBS.c.request_id == request_id)
        return to_job((await self._execute(kept)).one())

    async def job(self, job_id: str, *, lock: bool = False) -> Job | None:
        found = sa.select(*JOB_COLUMNS).where(JOBS.c.id == job_id)
        row = (await self._execute(found.with_for_update() if lock else found)).first()
        return None if row is None else self._job(row)

    async def page(
        self, tenant_id: str, *, state: JobState | None, asset_id: str, before: str | None, limit: int
    ) -> Sequence[Job]:
        found = sa.select(*JOB_COLUMNS).where(JOBS.c.tenant_id == tenant_id)
        if state:
            found = found.where(JOBS.c.state == state)
        if asset_id:
            found = found.where(JOBS.c.asset_id == asset_id)
        if before:
            found = found.where(JOBS.c.id < before)
        return [to_job(row) for row in await self._execute(found.order_by(JOBS.c.id.desc()).limit(limit))]

    async def live_jobs(self, asset_id: str) -> Sequence[Job]:
        found = sa.select(*JOB_COLUMNS).where(JOBS.c.asset_id == asset_id, JOBS.c.state.not_in(JOB_OVER))
        return [self._job(row) for row in await self._execute(found.order_by(JOBS.c.id).with_for_update())]

    async def save_job(self, job: Job) -> None:
        await SAVE_JOB.run(self._connection, job_id=job.id, **changes("job", JOB_CHANGES, job))
        before = self._read.get(job.id)
        if before is None or _documents(before) != _documents(job):
            documents = {
                "facts": job.facts,
                "outputs": [asdict(each) for each in job.outputs],
                "beside": {kind: asdict(count) for kind, count in job.beside.items()},
            }
            await self._execute(sa.update(JOBS).where(JOBS.c.id == job.id).values(documents))
        self._read[job.id] = job
        if job.over:
            await self.settle(job)

    async def say(self, job: Job, fact: str) -> None:
        await outbox.emit(self._connection, wire.to_event(job, fact), job.id)
        observed.job_said(self._connection, job, fact)

    async def say_grown(self, job: Job) -> None:
        await outbox.emit(self._connection, wire.to_grown(job), job.id)

    async def add_tasks(self, tasks: Sequence[Task]) -> None:
        trace = telemetry.inject()
        rows = [{column.name: getattr(task, column.name) for column in TASK_COLUMNS} for task in tasks]
        await self._execute(sa.insert(TASKS), [row | {"trace": trace} for row in rows])
        await self._send([task for task in tasks if task.state is TaskState.QUEUED])
        await turns.wait(self._connection, tasks[0].tenant_id)

    async def release_held(self, job_id: str, now: datetime) -> None:
        held = sa.update(TASKS).where(TASKS.c.job_id == job_id, TASKS.c.state == TaskState.HELD)
        released = await self._execute(held.values(state=TaskState.QUEUED, queue_time=now).returning(*TASK_COLUMNS))
        if tasks := [to_task(row) for row in released]:
            await self._send(tasks)
            await turns.wait(self._connection, tasks[0].tenant_id)

    async def turn(self, now: datetime) -> tuple[Task, Job] | None:
        return self._both(await turns.find(self._connection, now))

    async def take(self, claimed: Task) -> bool:
        values = changes("task", TASK_CHANGES, claimed)
        return await TAKE.first(self._connection, task_id=claimed.id, **values) is not None

    async def held_by(self, worker_id: str) -> tuple[Task, Job] | None:
        held = sa.select(TASKS.c.id).where(RUNNING, TASKS.c.worker_id == worker_id).limit(1)
        task_id = (await self._execute(held)).scalar()
        found = await self.task_of_job(task_id) if task_id else None
        # It may have ended before it was locked.
        return found if found and (found[0].state, found[0].worker_id) == (TaskState.RUNNING, worker_id) else None

    async def next_backoff(self) -> datetime | None:
        found = sa.select(TASKS.c.not_before).where(QUEUED, TASKS.c.not_before.is_not(None))
        soonest: datetime | None = (await self._execute(found.order_by(TASKS.c.not_before).limit(1))).scalar()
        return soonest

    async def task(self, task_id: str) -> Task | None:
        found = sa.select(*TASK_COLUMNS).where(TASKS.c.id == task_id).with_for_update()
        row = (await self._execute(found)).first()
        return None if row is None else to_task(row)

    async def task_of_job(self, task_id: str) -> tuple[Task, Job] | None:
        return self._both(await TASK_OF_JOB.first(self._connection, task_id=task_id))

    async def tasks_of_jobs(self, task_ids: Sequence[str]) -> Sequence[tuple[Task, Job]]:
        rows = await TASKS_OF_JOBS.run(self._connection, task_ids=[*task_ids])
        return [both for row in rows if (both := self._both(row))]

    async def save_task(self, task: Task) -> None:
        await SAVE_TASK.run(self._connection, task_id=task.id, **changes("task", TASK_CHANGES, task))
        observed.task_saved(self._connection, task)
        if task.state is TaskState.QUEUED:
            await turns.wait(self._connection, task.tenant_id)
            await turns.refund(self._connection, task.tenant_id, task.weight)

    async def enqueue(self, tasks: Sequence[Task], now: datetime) -> None:
        if tasks:
            await self._send(tasks)
            ids = [task.id for task in tasks]
            await self._execute(sa.update(TASKS).where(TASKS.c.id.in_(ids)).values(queue_time=now))

    async def cancel_tasks(self, job_id: str) -> None:
        live = sa.update(TASKS).where(TASKS.c.job_id == job_id, sa.or_(QUEUED, RUNNING))
        await self._execute(live.values(state=TaskState.CANCELLED, lease_expire_time=None))

    async def retry_tasks(self, job: Job, now: datetime) -> None:
        needed = sa.and_(TASKS.c.state == TaskState.FAILED, TASKS.c.kind.not_in(OPTIONAL))
        undone = sa.or_(TASKS.c.state == TaskState.CANCELLED, needed)
        anew = {"state": TaskState.QUEUED, "attempts": 0, "progress": 0.0, "not_before": None, "queue_time": now}
        mine = sa.update(TASKS).where(TASKS.c.job_id == job.id, undone if job.planned else sa.true())
        rows = await self._execute(mine.values(**anew, error_code="", error_message="").returning(*TASK_COLUMNS))
        tasks = [to_task(row) for row in rows]
        if tasks:
            await self._send(tasks)
            await turns.wait(self._connection, job.tenant_id)

    async def lost(self, before: datetime, limit: int) -> Sequence[Job]:
        found = sa.select(*JOB_COLUMNS).where(JOB_LOST, JOBS.c.end_time < before).order_by(JOBS.c.end_time).limit(limit)
        return [to_job(row) for row in await self._execute(found)]

    async def running_weight(self, job_id: str) -> float:
        done = sa.func.coalesce(sa.func.sum(TASKS.c.weight * TASKS.c.progress), 0.0)
        found = sa.select(done).where(TASKS.c.job_id == job_id, RUNNING)
        return float((await self._execute(found)).scalar_one())

    async def expired(self, now: datetime, limit: int) -> Sequence[Task]:
        found = sa.select(*TASK_COLUMNS).where(RUNNING, TASKS.c.lease_expire_time < now)
        return await self._some(found, limit)

    async def waiting(self, before: datetime, limit: int) -> Sequence[Task]:
        found = sa.select(*TASK_COLUMNS).where(QUEUED, TASKS.c.queue_time < before)
        return await self._some(found.order_by(TASKS.c.queue_time), limit)

    async def unpublished(self, before: datetime, limit: int) -> Sequence[Job]:
        finished = JOBS.c.tasks_done == JOBS.c.tasks_total
        found = sa.select(*JOB_COLUMNS).where(JOB_RUNNING, JOBS.c.encode_time < before, sa.or_(finished, presentable()))
        return [to_job(row) for row in await self._execute(found.order_by(JOBS.c.encode_time).limit(limit))]

    async def _send(self, tasks: Sequence[Task]) -> None:
        if tasks:
            await outbox.enqueue_all(self._connection, [(task.subject, task.id.encode()) for task in tasks])

    def _both(self, row: Sequence[Any] | None) -> tuple[Task, Job] | None:
        if row is None:
            return None
        task, job = to_both(row)
        self._read[job.id] = job
        return task, job

    def _job(self, row: sa.Row[Any]) -> Job:
        job = to_job(row)
        self._read[job.id] = job
        return job

    async def _some(self, found: sa.Select[Any], limit: int) -> Sequence[Task]:
        rows = await self._execute(found.limit(limit).with_for_update(skip_locked=True))
        return [to_task(row) for row in rows]

    async def _execute(self, statement: Any, rows: Any = None) -> sa.Result[Any]:
        result: sa.Result[Any] = await self._connection.execute(statement, rows)
        return result


def _documents(job: Job) -> tuple[Any, ...]:
    return job.facts, job.outputs, job.beside
