"""Tenants' presets are kept by name and tenant."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from meshkit.ids import new_id
from services.transcode.scheduler.custom import Custom
from tests.fakes.transcode_rows import NOW
from tests.unit.transcode_media.builders import HLS

if TYPE_CHECKING:
    from services.transcode.scheduler.ports import Store


async def test_a_preset_is_its_tenants(store: Store) -> None:
    mine = Custom(tenant_id=new_id(), preset=replace(HLS, name="mine"), create_time=NOW, update_time=NOW)
    other = replace(mine, preset=replace(HLS, name="another"))
    async with store.transaction() as tx:
        await tx.lock_presets(mine.tenant_id)
        await tx.save_preset(mine)
        await tx.save_preset(other)
    changed = replace(mine, preset=replace(mine.preset, gop_seconds=2), revision=2)
    async with store.transaction() as tx:
        assert await tx.preset(mine.tenant_id, "mine") == mine
        assert await tx.preset(new_id(), "mine") is None
        await tx.save_preset(changed)
        assert list(await tx.presets(mine.tenant_id)) == [other, changed]
        await tx.delete_preset(mine.tenant_id, "mine")
    async with store.transaction() as tx:
        assert list(await tx.presets(mine.tenant_id)) == [other]
