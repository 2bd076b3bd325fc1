"""What jobs hold of their tenants' quotas, in Postgres."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from meshkit.db import fields_of
from services.transcode.scheduler.domain import JobState
from services.transcode.scheduler.quotas import Hold, Tenant
from services.transcode.scheduler.tables import ID, JOB_COLUMNS, JOBS, to_job

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy.ext.asyncio import AsyncConnection

    from services.transcode.scheduler.domain import Job
    from services.transcode.scheduler.quotas import Limits

_tables = sa.MetaData()
TENANTS = sa.Table(
    "tenants",
    _tables,
    sa.Column("tenant_id", ID, primary_key=True),
    sa.Column("month", sa.Date),
    sa.Column("seconds", sa.Double),
    sa.Column("max_concurrent_jobs", sa.BigInteger),
    sa.Column("max_encode_minutes", sa.BigInteger),
)
HOLDS = sa.Table(
    "holds",
    _tables,
    sa.Column("job_id", ID, primary_key=True),
    sa.Column("tenant_id", ID),
    sa.Column("waiting", sa.Boolean),
    sa.Column("month", sa.Date),
    sa.Column("seconds", sa.Double),
)


class QuotaRows:
    def __init__(self, connection: AsyncConnection, limits: Limits) -> None:
        self._connection = connection
        self._limits = limits

    async def hold(self, job: Job, *, asked: bool) -> bool:
        tenant, live, waiting = await self.tenant(job.tenant_id)
        places = tenant.places(live + waiting, self._limits)
        if asked:
            places.admit(1, job.update_time)
            minutes = tenant.minutes(self._limits, job.update_time)
            # What it needs is known only when it is probed: a moment of the least of videos.
            minutes.admit(1e-6, job.update_time)
        waits = places.limit is not None and places.used >= places.limit
        hold = Hold(job_id=job.id, tenant_id=job.tenant_id, waiting=waits)
        await self._connection.execute(insert(HOLDS).values(asdict(hold)))
        return not waits

    async def spend(self, job: Job, seconds: float, now: datetime) -> None:
        tenant, *_ = await self.tenant(job.tenant_id)
        tenant.minutes(self._limits, now).admit(round(seconds / 60, 3), now)
        after = tenant.spent(seconds, now)
        await self.save_tenant(after)
        held = sa.update(HOLDS).where(HOLDS.c.job_id == job.id).values(month=after.month, seconds=seconds)
        await self._connection.execute(held)

    async def settle(self, job: Job) -> None:
        """The job is over: it holds nothing any more. Doing it again does nothing."""
        mine = sa.select(HOLDS.c.job_id).where(HOLDS.c.job_id == job.id)
        if (await self._connection.execute(mine)).first() is None:
            return
        tenant, *_ = await self.tenant(job.tenant_id)
        given_up = sa.delete(HOLDS).where(HOLDS.c.job_id == job.id).returning(*HOLDS.columns)
        row = (await self._connection.execute(given_up)).one()
        if job.state is not JobState.SUCCEEDED:
            await self.save_tenant(tenant.refunded(Hold(**fields_of(row))))

    async def waiting_tenants(self, limit: int) -> Sequence[str]:
        found = sa.select(HOLDS.c.tenant_id).where(HOLDS.c.waiting).distinct().limit(limit)
        return list((await self._connection.execute(found)).scalars())

    async def admit(self, tenant_id: str, limit: int) -> Sequence[Job]:
        first = sa.select(*JOB_COLUMNS).join_from(JOBS, HOLDS, HOLDS.c.job_id == JOBS.c.id)
        first = first.where(HOLDS.c.waiting, HOLDS.c.tenant_id == tenant_id).order_by(JOBS.c.id).limit(limit)
        locked = first.with_for_update(of=JOBS, skip_locked=True)
        jobs = [to_job(row) for row in await self._connection.execute(locked)]
        tenant, live, _ = await self.tenant(tenant_id)
        places = tenant.places(live, self._limits)
        free = len(jobs) if places.limit is None else max(0, places.limit - live)
        # Those that were admitted, or ended, before the lock was ours wait no more.
        still = sa.select(HOLDS.c.job_id).where(HOLDS.c.tenant_id == tenant_id, HOLDS.c.waiting)
        waiting = set((await self._connection.execute(still)).scalars())
        admitted = [job for job in jobs if job.id in waiting][:free]
        mine = sa.update(HOLDS).where(HOLDS.c.job_id.in_([job.id for job in admitted]))
        await self._connection.execute(mine.values(waiting=False))
        return admitted

    async def tenant(self, tenant_id: str) -> tuple[Tenant, int, int]:
        # An update that changes nothing, for its lock: no two count at the same time.
        mine = insert(TENANTS).values(asdict(Tenant(tenant_id=tenant_id)))
        locked = mine.on_conflict_do_update(index_elements=["tenant_id"], set_={"tenant_id": tenant_id})
        row = (await self._connection.execute(locked.returning(*TENANTS.columns))).one()
        counts = sa.select(sa.func.count(), sa.func.count().filter(HOLDS.c.waiting))
        total, waiting = (await self._connection.execute(counts.where(HOLDS.c.tenant_id == tenant_id))).one()
        return Tenant(**fields_of(row)), total - waiting, waiting

    async def save_tenant(self, tenant: Tenant) -> None:
        values = asdict(tenant)
        await self._connection.execute(
            sa.update(TENANTS).where(TENANTS.c.tenant_id == values.pop("tenant_id")).values(values)
        )
