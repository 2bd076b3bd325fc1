"""Quotas at work: what a probed job costs, whose place has come, and what the operator sets."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from meshkit.clock import utc_now
from meshkit.errors import Exhausted
from services.transcode.scheduler.jobs import fail
from services.transcode.scheduler.quotas import seconds_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from meshkit.quotas import Quota
    from services.transcode.scheduler.domain import Job
    from services.transcode.scheduler.ports import Store, Transaction
    from services.transcode.scheduler.quotas import Limits, Tenant

AT_ONCE = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A tenant, and its quotas at this moment: of jobs, and of minutes."""

    tenant: Tenant
    quotas: tuple[Quota, Quota]


class Allowances:
    """`limits` are those of tenants that have none of their own."""

    def __init__(self, store: Store, limits: Limits, now: Callable[[], datetime] = utc_now) -> None:
        self._store = store
        self._limits = limits
        self._now = now

    async def standing(self, tenant_id: str) -> Standing:
        async with self._store.transaction() as tx:
            tenant, live, _ = await tx.tenant(tenant_id)
        return self._standing(tenant, live)

    async def change(self, tenant_id: str, values: Mapping[str, Any]) -> Standing:
        """`values` by the names of Tenant; None is the default again. What is begun already goes on."""
        async with self._store.transaction() as tx:
            tenant, live, _ = await tx.tenant(tenant_id)
            changed = replace(tenant, **values)
            await tx.save_tenant(changed)
        return self._standing(changed, live)

    async def admit(self) -> None:
        """Begin jobs that waited for a place, in their order, where there are places by now."""
        async with self._store.at_once() as tx:
            waiting = await tx.waiting_tenants(AT_ONCE)
        for tenant_id in waiting:
            async with self._store.transaction() as tx:
                for job in await tx.admit(tenant_id, AT_ONCE):
                    await tx.release_held(job.id, self._now())

    def _standing(self, tenant: Tenant, live: int) -> Standing:
        minutes = tenant.minutes(self._limits, self._now())
        return Standing(tenant=tenant, quotas=(tenant.places(live, self._limits), minutes))


async def afford(tx: Transaction, job: Job, facts: Mapping[str, Any], now: datetime) -> bool:
    """Whether the tenant has minutes left for such a source; they are the job's then, and else the job fails."""
    try:
        await tx.spend(job, seconds_of(facts), now)
    except Exhausted as over:
        await fail(tx, job, over.reason, over.message, now)
        return False
    return True
