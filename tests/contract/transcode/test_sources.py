"""The fake store and Postgres keep the same promises about sources."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from meshkit.ids import new_id
from tests.fakes.transcode_rows import a_source

if TYPE_CHECKING:
    from services.transcode.scheduler.ports import Store


async def test_keeps_a_source_as_it_first_was(store: Store) -> None:
    source = a_source()
    async with store.transaction() as tx:
        assert await tx.add_source(source) == source
        assert await tx.add_source(replace(source, size=7)) == source
        assert await tx.source(source.tenant_id, source.asset_id) == source
        assert await tx.source(new_id(), source.asset_id) is None
        assert await tx.source(source.tenant_id, new_id()) is None


async def test_a_deleted_source_stays_deleted(store: Store) -> None:
    known, unknown = a_source(), a_source()
    async with store.transaction() as tx:
        await tx.add_source(known)
        for source in (known, unknown):
            await tx.delete_source(source.tenant_id, source.asset_id)
        await tx.add_source(unknown)
    async with store.transaction() as tx:
        assert await tx.source(known.tenant_id, known.asset_id) == replace(known, deleted=True)
        kept = await tx.source(unknown.tenant_id, unknown.asset_id)
        assert kept is not None
        assert kept.deleted


async def test_a_restored_source_is_there_again(store: Store) -> None:
    source = a_source()
    async with store.transaction() as tx:
        await tx.add_source(source)
        await tx.delete_source(source.tenant_id, source.asset_id)
        await tx.restore_source(source)
        assert await tx.source(source.tenant_id, source.asset_id) == source
