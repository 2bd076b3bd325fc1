"""What a tenant no longer wants kept goes by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from meshkit.clock import utc_now
from services.metadata import audit
from services.metadata.audit import Action
from services.metadata.removals import drop_source, purge
from services.metadata.service import save

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from services.metadata.policy import Policy
    from services.metadata.ports import Store

AT_ONCE = 100


class Retention:
    """`default` is the policy of tenants that have none of their own."""

    def __init__(self, store: Store, default: Policy, now: Callable[[], datetime] = utc_now) -> None:
        self._store = store
        self._default = default
        self._now = now

    async def policy(self, tenant_id: str) -> Policy:
        async with self._store.transaction() as tx:
            return await tx.policy(tenant_id) or self._default

    async def change(self, tenant_id: str, policy: Policy) -> Policy:
        """Holds for what is there already, too."""
        async with self._store.transaction() as tx:
            await tx.save_policy(tenant_id, policy)
        return policy

    async def run_once(self) -> None:
        """Deleted assets, and sources of ready ones, past their time."""
        now = self._now()
        async with self._store.transaction() as tx:
            for asset in await tx.overdue(now, self._default, AT_ONCE):
                await tx.record(audit.deletion(asset, Action.HARD_DELETE, audit.PLATFORM, now))
                await purge(tx, asset, now)
        async with self._store.transaction() as tx:
            for asset in await tx.overdue_sources(now, self._default, AT_ONCE):
                without = await save(tx, asset, asset.delete_source(now))
                await tx.record(audit.deletion(without, Action.DELETE_SOURCE, audit.PLATFORM, now))
                await drop_source(tx, without, now)
