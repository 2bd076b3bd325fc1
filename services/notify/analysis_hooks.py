"""Who is asked about the assets of a tenant: one outside service, or nobody."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from meshkit.clock import utc_now
from meshkit.errors import NotFound
from services.notify.delivery import State
from services.notify.webhook import Kind, make_analysis_hook

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime, timedelta

    from services.notify.ports import Receivers, Store, Transaction
    from services.notify.webhook import Webhook


class AnalysisHooks:
    def __init__(self, store: Store, receivers: Receivers, now: Callable[[], datetime] = utc_now) -> None:
        self._store = store
        self._receivers = receivers
        self._now = now

    async def get(self, tenant_id: str) -> Webhook:
        async with self._store.transaction() as tx:
            return await _found(tx, tenant_id)

    async def put(self, tenant_id: str, url: str, description: str = "", etag: str = "") -> tuple[Webhook, bool]:
        """The hook as it is then, and whether it was made. What is to be asked still is asked there."""
        await self._receivers.check(url)
        made = make_analysis_hook(tenant_id, url, description, self._now())
        async with self._store.transaction() as tx:
            kept = await tx.add_webhook(made, Kind.ANALYSIS)
            if kept is made:
                return made.expect(etag), True
            kept = (await tx.analysis_hook(tenant_id, lock=True) or kept).expect(etag)
            new = not kept.url
            hook = (
                replace(made, id=kept.id, revision=kept.revision + 1)
                if new
                else kept.update({"url": url, "description": description}, self._now())
            )
            await tx.save_webhook(hook)
        return hook, new

    async def delete(self, tenant_id: str, etag: str = "") -> None:
        """What was to be asked still fails at once."""
        async with self._store.transaction() as tx:
            hook = (await _found(tx, tenant_id, lock=True)).expect(etag)
            now = self._now()
            await tx.save_webhook(hook.retire(now))
            await tx.replay(hook.id, [State.PENDING], hook.create_time, now, now)

    async def rotate(self, tenant_id: str, overlap: timedelta) -> Webhook:
        async with self._store.transaction() as tx:
            hook = (await _found(tx, tenant_id, lock=True)).rotate(overlap, self._now())
            await tx.save_webhook(hook)
        return hook


async def _found(tx: Transaction, tenant_id: str, *, lock: bool = False) -> Webhook:
    hook = await tx.analysis_hook(tenant_id, lock=lock)
    if hook is None or not hook.url:
        raise NotFound("analysis_hook_not_found", "the tenant has no analysis hook")
    return hook
