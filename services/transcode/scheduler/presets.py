"""The recipes that a tenant's jobs can name: those that are shipped, and its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from meshkit.clock import utc_now
from meshkit.errors import Conflict, Exhausted, NotFound
from services.transcode.scheduler.custom import Custom

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime

    from services.transcode.media.preset import Preset
    from services.transcode.scheduler.ports import Store, Transaction

MOST = 100
"""Presets that a tenant may have of its own."""


class Presets:
    """`shipped` are there for every tenant, and no tenant's own can take their names."""

    def __init__(self, shipped: Iterable[Preset], store: Store, now: Callable[[], datetime] = utc_now) -> None:
        self._shipped = {preset.name: preset for preset in shipped}
        self._store = store
        self._now = now

    async def resolve(self, tx: Transaction, tenant_id: str, name: str) -> Preset | None:
        """What the name means to the tenant now; None when it means nothing."""
        if name in self._shipped:
            return self._shipped[name]
        custom = await tx.preset(tenant_id, name)
        return custom.preset if custom else None

    async def all(self, tenant_id: str) -> tuple[list[Preset], list[Custom]]:
        """The shipped ones, and the tenant's own by name."""
        async with self._store.transaction() as tx:
            return list(self._shipped.values()), list(await tx.presets(tenant_id))

    async def get(self, tenant_id: str, name: str) -> Preset | Custom:
        if name in self._shipped:
            return self._shipped[name]
        async with self._store.transaction() as tx:
            return _found(await tx.preset(tenant_id, name))

    async def put(self, tenant_id: str, preset: Preset, etag: str) -> tuple[Custom, bool]:
        """Make or change it, and whether it was made. Raises Conflict, Exhausted; NotFound for an etag of nothing."""
        self._not_shipped(preset.name)
        now = self._now()
        async with self._store.transaction() as tx:
            await tx.lock_presets(tenant_id)
            before = await tx.preset(tenant_id, preset.name)
            if before is None and etag:
                raise NotFound("preset_not_found", "no such preset")
            if before is None and len(await tx.presets(tenant_id)) >= MOST:
                raise Exhausted("too_many_presets", f"a tenant may have {MOST} presets of its own")
            after = Custom(tenant_id=tenant_id, preset=preset, create_time=now, update_time=now)
            if before is not None:
                after = before.expect(etag).change(preset, now)
            await tx.save_preset(after)
            return after, before is None

    async def delete(self, tenant_id: str, name: str, etag: str) -> None:
        """Jobs that were made of it go on. Raises Conflict, NotFound."""
        self._not_shipped(name)
        async with self._store.transaction() as tx:
            await tx.lock_presets(tenant_id)
            _found(await tx.preset(tenant_id, name)).expect(etag)
            await tx.delete_preset(tenant_id, name)

    def _not_shipped(self, name: str) -> None:
        if name in self._shipped:
            raise Conflict("preset_read_only", f"{name} is shipped: give yours another name", preset=name)


def _found(custom: Custom | None) -> Custom:
    if custom is None:
        raise NotFound("preset_not_found", "no such preset")
    return custom
