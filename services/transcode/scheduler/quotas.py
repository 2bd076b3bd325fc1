"""How many jobs of a tenant may go on at once, and how much of its media it may have encoded in a month.

A job holds its place from its creation, and its minutes from its probe. Success spends the minutes; any other end gives
them back. It is kept beside the jobs: what holds, and what is held, change in one transaction or not at all.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any, Protocol

from meshkit.quotas import Quota, day_after, limit_of
from services.transcode.media.facts import SourceFacts

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from services.transcode.scheduler.domain import Job

CONCURRENT_JOBS, ENCODE_MINUTES = "concurrent_jobs", "encode_minutes"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """None for no limit."""

    concurrent_jobs: int | None = None
    encode_minutes: int | None = None


NO_LIMITS = Limits()


@dataclass(frozen=True, slots=True, kw_only=True)
class Tenant:
    """What is kept of a tenant here. Its own limits are None where the default counts."""

    tenant_id: str
    month: date = date.min
    """Its first day, in UTC: of the newest job that was charged."""
    seconds: float = 0.0
    """Of media, in that month."""
    max_concurrent_jobs: int | None = None
    max_encode_minutes: int | None = None

    def places(self, live: int, defaults: Limits) -> Quota:
        """Of which `live` are taken."""
        limit = limit_of(self.max_concurrent_jobs, defaults.concurrent_jobs)
        return Quota(name=CONCURRENT_JOBS, used=live, limit=limit)

    def minutes(self, defaults: Limits, now: datetime) -> Quota:
        """Of this month."""
        month = month_of(now)
        used = self.seconds / 60 if self.month == month else 0.0
        limit = limit_of(self.max_encode_minutes, defaults.encode_minutes)
        last = (month + timedelta(days=31)).replace(day=1) - timedelta(days=1)
        return Quota(name=ENCODE_MINUTES, used=round(used, 3), limit=limit, reset_time=day_after(last))

    def spent(self, seconds: float, now: datetime) -> Tenant:
        before = self.seconds if self.month == month_of(now) else 0.0
        return replace(self, month=month_of(now), seconds=before + seconds)

    def refunded(self, hold: Hold) -> Tenant:
        """Of another month there is nothing to give back to."""
        return replace(self, seconds=max(0.0, self.seconds - hold.seconds)) if self.month == hold.month else self


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """What a job that is not over holds: a place, unless it is `waiting` for one, and seconds of a month."""

    job_id: str
    tenant_id: str
    waiting: bool
    month: date = date.min
    seconds: float = 0.0


class Counting(Protocol):
    """The part of a transaction that counts. A job's row is always locked before its tenant's."""

    async def hold(self, job: Job, *, asked: bool) -> bool:
        """A job begins to count; False where it has to wait for its place.

        One that somebody `asked` for does not wait: Exhausted (`quota_exceeded`) is raised instead, also where no
        minute is left.
        """
        ...

    async def spend(self, job: Job, seconds: float, now: datetime) -> None:
        """The job holds so much of its tenant's minutes. Raises Exhausted."""
        ...

    async def waiting_tenants(self, limit: int) -> Sequence[str]: ...

    async def admit(self, tenant_id: str, limit: int) -> Sequence[Job]:
        """The first of the jobs that wait, locked, as many as there are places: they wait no more."""
        ...

    async def tenant(self, tenant_id: str) -> tuple[Tenant, int, int]:
        """Locked, for whoever changes it; how many of its jobs have a place, and how many wait for one."""
        ...

    async def save_tenant(self, tenant: Tenant) -> None: ...


async def hold_again(tx: Counting, job: Job, now: datetime) -> None:
    """A job that gave back what it held begins again. Raises Exhausted."""
    await tx.hold(job, asked=True)
    if job.planned and job.facts:
        await tx.spend(job, seconds_of(job.facts), now)


def seconds_of(facts: Mapping[str, Any]) -> float:
    """What encoding a source takes of its tenant's minutes, whatever is made of it."""
    return float(SourceFacts.from_json(dict(facts)).duration)


def month_of(now: datetime) -> date:
    return now.date().replace(day=1)
