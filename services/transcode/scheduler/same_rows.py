"""Which jobs are the same, in Postgres."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

from meshkit import once
from services.transcode.scheduler import domain
from services.transcode.scheduler.domain import JobState
from services.transcode.scheduler.tables import JOB_COLUMNS, JOB_RUNNING, JOBS, to_job

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.ext.asyncio import AsyncConnection

    from services.transcode.scheduler.domain import Job
    from services.transcode.scheduler.source import Source


class SameRows:
    """Of a transaction."""

    _connection: AsyncConnection

    async def twin(self, source: Source, making: str, request_id: str) -> Job | None:
        if request_id:
            await once.only(self._connection, source.tenant_id, request_id)
            said = JOBS.c.tenant_id == source.tenant_id, JOBS.c.request_id == request_id
            if (await self._connection.execute(sa.select(JOBS.c.id).where(*said))).first():
                return None
        same = JOBS.c.asset_id == source.asset_id, JOBS.c.tenant_id == source.tenant_id, JOBS.c.making == making
        found = sa.select(*JOB_COLUMNS).where(*same, JOBS.c.state.not_in(domain.JOB_LOST))
        row = (await self._connection.execute(found.order_by(JOBS.c.id.desc()).limit(1))).first()
        return None if row is None else to_job(row)

    async def same_job(self, job: Job) -> Job | None:
        if not (job.source_sha256 and job.making):
            return None
        of = f"{job.tenant_id}{job.source_sha256}{job.making}"
        await self._connection.execute(sa.select(sa.func.pg_advisory_xact_lock(sa.func.hashtextextended(of, 1))))
        same = JOBS.c.tenant_id == job.tenant_id, JOBS.c.source_sha256 == job.source_sha256, JOBS.c.making == job.making
        made = JOBS.c.state == JobState.SUCCEEDED
        makes = sa.and_(JOBS.c.state.in_((JobState.QUEUED, JobState.RUNNING)), JOBS.c.same_as.is_(None))
        found = sa.select(*JOB_COLUMNS).where(
            *same, sa.or_(made, makes), JOBS.c.id != job.id, JOBS.c.source_sha256 != ""
        )
        row = (await self._connection.execute(found.order_by(made.desc(), JOBS.c.id).limit(1))).first()
        return None if row is None else to_job(row)

    async def waiting_jobs(self, limit: int) -> Sequence[Job]:
        found = sa.select(*JOB_COLUMNS).where(JOB_RUNNING, JOBS.c.same_as.is_not(None)).order_by(JOBS.c.id).limit(limit)
        return [to_job(row) for row in await self._connection.execute(found)]
