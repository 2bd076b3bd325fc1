"""Jobs, tasks and what they made, in Postgres."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from meshkit import outbox
from services.transcode.scheduler import wire
from services.transcode.scheduler.domain import JOB_OVER, TASK_OVER, JobState, Source, TaskState
from services.transcode.scheduler.tables import (
    JOB_COLUMNS,
    JOBS,
    RENDITIONS,
    SEGMENTS,
    SOURCES,
    TASK_COLUMNS,
    TASKS,
    to_job,
    to_rendition,
    to_segment,
    to_source,
    to_task,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from datetime import datetime

    from sqlalchemy.ext.asyncio import AsyncConnection

    from meshkit.db import Database
    from services.transcode.scheduler.domain import Job, Rendition, Segment, Task


class PostgresStore:
    def __init__(self, db: Database) -> None:
        self._db = db

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[PostgresTransaction]:
        async with self._db.transaction() as connection:
            yield PostgresTransaction(connection)


class PostgresTransaction:
    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def first_time(self, consumer: str, message_id: str) -> bool:
        return await outbox.first_time(self._connection, consumer, message_id)

    async def add_source(self, source: Source) -> None:
        await self._execute(insert(SOURCES).values(asdict(source)).on_conflict_do_nothing())

    async def source(self, tenant_id: str, asset_id: str) -> Source | None:
        found = sa.select(SOURCES).where(SOURCES.c.asset_id == asset_id, SOURCES.c.tenant_id == tenant_id)
        row = (await self._execute(found)).first()
        return None if row is None else to_source(row)

    async def delete_source(self, tenant_id: str, asset_id: str) -> None:
        gone = Source(asset_id=asset_id, tenant_id=tenant_id, object_key="", size=0, file_name="", deleted=True)
        statement = insert(SOURCES).values(asdict(gone))
        await self._execute(statement.on_conflict_do_update(index_elements=["asset_id"], set_={"deleted": True}))

    async def add_job(self, job: Job, request_id: str) -> Job:
        row = asdict(job) | {"request_id": request_id or None}
        statement = insert(JOBS).values(row).on_conflict_do_nothing(constraint="jobs_request_id_key")
        if (await self._execute(statement.returning(JOBS.c.id))).first() is not None:
            return job
        kept = sa.select(*JOB_COLUMNS).where(JOBS.c.tenant_id == job.tenant_id, JOBS.c.request_id == request_id)
        return to_job((await self._execute(kept)).one())

    async def job(self, job_id: str, *, lock: bool = False) -> Job | None:
        found = sa.select(*JOB_COLUMNS).where(JOBS.c.id == job_id)
        row = (await self._execute(found.with_for_update() if lock else found)).first()
        return None if row is None else to_job(row)

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
        return [to_job(row) for row in await self._execute(found.with_for_update())]

    async def save_job(self, job: Job) -> None:
        await self._execute(sa.update(JOBS).where(JOBS.c.id == job.id).values(asdict(job)))

    async def say(self, job: Job, fact: str) -> None:
        await outbox.emit(self._connection, wire.to_event(job, fact), job.id)

    async def say_task_succeeded(self, task: Task) -> None:
        await outbox.emit(self._connection, wire.to_task_succeeded(task), task.job_id)

    async def add_tasks(self, tasks: Sequence[Task]) -> None:
        await self._execute(sa.insert(TASKS), [asdict(task) for task in tasks])
        await outbox.enqueue_all(self._connection, [(task.subject, task.id.encode()) for task in tasks])

    async def task(self, task_id: str) -> Task | None:
        found = sa.select(*TASK_COLUMNS).where(TASKS.c.id == task_id).with_for_update()
        row = (await self._execute(found)).first()
        return None if row is None else to_task(row)

    async def task_of_job(self, task_id: str) -> tuple[Task, Job] | None:
        owner = sa.select(TASKS.c.job_id).where(TASKS.c.id == task_id).scalar_subquery()
        found = sa.select(*JOB_COLUMNS).where(JOBS.c.id == owner).with_for_update()
        row = (await self._execute(found)).first()
        task = await self.task(task_id) if row is not None else None
        return None if row is None or task is None else (task, to_job(row))

    async def save_task(self, task: Task) -> None:
        await self._execute(sa.update(TASKS).where(TASKS.c.id == task.id).values(asdict(task)))

    async def enqueue(self, task: Task, now: datetime) -> None:
        await outbox.enqueue(self._connection, task.subject, task.id.encode())
        await self.seen(task, now)

    async def seen(self, task: Task, now: datetime) -> None:
        await self._execute(sa.update(TASKS).where(TASKS.c.id == task.id).values(queue_time=now))

    async def cancel_tasks(self, job_id: str) -> None:
        live = sa.update(TASKS).where(TASKS.c.job_id == job_id, TASKS.c.state.not_in(TASK_OVER))
        await self._execute(live.values(state=TaskState.CANCELLED, lease_expire_time=None))

    async def running_weight(self, job_id: str) -> float:
        done = sa.func.coalesce(sa.func.sum(TASKS.c.weight * TASKS.c.progress), 0.0)
        found = sa.select(done).where(TASKS.c.job_id == job_id, TASKS.c.state == TaskState.RUNNING)
        return float((await self._execute(found)).scalar_one())

    async def expired(self, now: datetime, limit: int) -> Sequence[Task]:
        found = sa.select(*TASK_COLUMNS).where(TASKS.c.state == TaskState.RUNNING, TASKS.c.lease_expire_time < now)
        return await self._some(found, limit)

    async def waiting(self, before: datetime, limit: int) -> Sequence[Task]:
        found = sa.select(*TASK_COLUMNS).where(TASKS.c.state == TaskState.QUEUED, TASKS.c.queue_time < before)
        return await self._some(found.order_by(TASKS.c.queue_time), limit)

    async def live_tasks(self, limit: int) -> int:
        live = [
            sa.select(sa.literal(1)).where(TASKS.c.state == state).limit(limit).subquery()
            for state in (TaskState.QUEUED, TaskState.RUNNING)
        ]
        counts = [sa.select(sa.func.count()).select_from(each).scalar_subquery() for each in live]
        return min(int((await self._execute(sa.select(counts[0] + counts[1]))).scalar_one()), limit)

    async def unpublished(self, before: datetime, limit: int) -> Sequence[Job]:
        found = sa.select(*JOB_COLUMNS).where(JOBS.c.state == JobState.RUNNING, JOBS.c.encode_time < before)
        return [to_job(row) for row in await self._execute(found.order_by(JOBS.c.encode_time).limit(limit))]

    async def add_renditions(self, renditions: Sequence[Rendition]) -> None:
        await self._execute(sa.insert(RENDITIONS), [asdict(each) for each in renditions])

    async def renditions(self, job_id: str) -> Sequence[Rendition]:
        found = sa.select(RENDITIONS).where(RENDITIONS.c.job_id == job_id).order_by(RENDITIONS.c.place)
        return [to_rendition(row) for row in await self._execute(found)]

    async def save_rendition(self, rendition: Rendition) -> None:
        where = RENDITIONS.c.job_id == rendition.job_id, RENDITIONS.c.name == rendition.name
        await self._execute(sa.update(RENDITIONS).where(*where).values(asdict(rendition)))

    async def add_segments(self, job_id: str, segments: Sequence[Segment]) -> None:
        if segments:
            await self._execute(sa.insert(SEGMENTS), [asdict(each) | {"job_id": job_id} for each in segments])

    async def segments(self, job_id: str) -> Sequence[Segment]:
        found = sa.select(*(column for column in SEGMENTS.columns if column.name != "job_id"))
        ordered = found.where(SEGMENTS.c.job_id == job_id).order_by(SEGMENTS.c.rendition, SEGMENTS.c.number)
        return [to_segment(row) for row in await self._execute(ordered)]

    async def lock_playlists(self, job_id: str) -> None:
        await self._execute(sa.select(sa.func.pg_advisory_xact_lock(sa.func.hashtextextended(job_id, 0))))

    async def _some(self, found: sa.Select[Any], limit: int) -> Sequence[Task]:
        rows = await self._execute(found.limit(limit).with_for_update(skip_locked=True))
        return [to_task(row) for row in rows]

    async def _execute(self, statement: Any, rows: Any = None) -> sa.Result[Any]:
        result: sa.Result[Any] = await self._connection.execute(statement, rows)
        return result
