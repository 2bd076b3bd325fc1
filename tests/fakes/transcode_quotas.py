"""A fake of what the scheduler keeps of tenants' quotas."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from services.transcode.scheduler.domain import JobState
from services.transcode.scheduler.quotas import NO_LIMITS, Hold, Limits, Tenant

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from services.transcode.scheduler.domain import Job


@dataclass
class FakeQuotas:
    """Those of a FakeStore, whose `jobs` they look at."""

    jobs: dict[str, Job] = field(default_factory=dict)
    tenants: dict[str, Tenant] = field(default_factory=dict)
    holds: dict[str, Hold] = field(default_factory=dict)

    limits = NO_LIMITS

    def limit(self, **limits: int) -> None:
        self.limits = Limits(**limits)

    async def hold(self, job: Job, *, asked: bool) -> bool:
        tenant, live, waiting = await self.tenant(job.tenant_id)
        places = tenant.places(live + waiting, self.limits)
        if asked:
            places.admit(1, job.update_time)
            tenant.minutes(self.limits, job.update_time).admit(1e-6, job.update_time)
        waits = places.limit is not None and places.used >= places.limit
        self.holds[job.id] = Hold(job_id=job.id, tenant_id=job.tenant_id, waiting=waits)
        return not waits

    async def spend(self, job: Job, seconds: float, now: datetime) -> None:
        tenant, *_ = await self.tenant(job.tenant_id)
        tenant.minutes(self.limits, now).admit(round(seconds / 60, 3), now)
        after = tenant.spent(seconds, now)
        self.tenants[job.tenant_id] = after
        if job.id in self.holds:
            self.holds[job.id] = replace(self.holds[job.id], month=after.month, seconds=seconds)

    async def settle(self, job: Job) -> None:
        hold = self.holds.pop(job.id, None)
        if hold and job.state is not JobState.SUCCEEDED:
            tenant, *_ = await self.tenant(job.tenant_id)
            self.tenants[job.tenant_id] = tenant.refunded(hold)

    async def waiting_tenants(self, limit: int) -> Sequence[str]:
        return sorted({hold.tenant_id for hold in self.holds.values() if hold.waiting})[:limit]

    async def admit(self, tenant_id: str, limit: int) -> Sequence[Job]:
        tenant, live, _ = await self.tenant(tenant_id)
        places = tenant.places(live, self.limits)
        free = limit if places.limit is None else max(0, places.limit - live)
        waiting = sorted(each.job_id for each in self.holds.values() if each.waiting and each.tenant_id == tenant_id)
        for job_id in waiting[:free]:
            self.holds[job_id] = replace(self.holds[job_id], waiting=False)
        return [self.jobs[job_id] for job_id in waiting[:free]]

    async def tenant(self, tenant_id: str) -> tuple[Tenant, int, int]:
        mine = [hold for hold in self.holds.values() if hold.tenant_id == tenant_id]
        waiting = sum(hold.waiting for hold in mine)
        return self.tenants.get(tenant_id, Tenant(tenant_id=tenant_id)), len(mine) - waiting, waiting

    async def save_tenant(self, tenant: Tenant) -> None:
        self.tenants[tenant.tenant_id] = tenant
