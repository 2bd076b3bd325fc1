"""The fake store and Postgres keep what was said of assets alike."""

from __future__ import annotations

from typing import TYPE_CHECKING

from meshkit.ids import new_id
from services.metadata.analysis import pending
from services.metadata.domain import Fact
from tests.contract.metadata.test_store import SECOND, add, store
from tests.fakes.metadata import NOW, an_asset

if TYPE_CHECKING:
    from services.metadata.ports import Store

__all__ = ["store"]


async def test_how_far_an_analysis_is_is_kept_with_its_asset(store: Store) -> None:
    asset = an_asset(new_id())
    await add(store, asset)
    asked = asset.analyse(pending(NOW), NOW)
    failed = asked.analyse(pending(NOW).fail("timeout", "too late", NOW + SECOND), NOW + SECOND)
    for after in (asked, failed):
        async with store.transaction() as tx:
            await tx.save(after, Fact.UPDATED)
        async with store.transaction() as tx:
            assert await tx.get(asset.tenant_id, asset.id) == after


async def test_the_first_answer_is_kept_and_goes_with_its_asset(store: Store) -> None:
    asset = an_asset(new_id())
    await add(store, asset)
    text = '{"who":"\\u0000 Ö"}'
    async with store.transaction() as tx:
        await tx.keep_answer(asset.id, text)
        await tx.keep_answer(asset.id, "2")
        assert await tx.answer(asset.id) == text
        await tx.purge(asset)
    await add(store, asset)
    async with store.transaction() as tx:
        await tx.keep_answer(asset.id, "3")
        assert await tx.answer(asset.id) == "3"
