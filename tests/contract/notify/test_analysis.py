"""The fake rows of analysis hooks and Postgres keep the same promises."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from meshkit.ids import new_id
from services.notify.webhook import Kind, make_analysis_hook
from tests.contract.notify.test_webhooks import LATER, kept, store
from tests.fakes.webhooks import THEN, a_delivery, a_webhook

if TYPE_CHECKING:
    from services.notify.ports import Store

__all__ = ["store"]

URL = "https://club.example/analyse"


async def test_a_tenant_has_one_hook_and_it_is_no_webhook(store: Store) -> None:
    hook = make_analysis_hook(new_id(), URL, "club", THEN)
    async with store.transaction() as tx:
        assert await tx.analysis_hook(hook.tenant_id) is None
        assert await tx.add_webhook(hook, Kind.ANALYSIS) == hook
        another = make_analysis_hook(hook.tenant_id, f"{URL}/2", "", THEN)
        assert await tx.add_webhook(another, Kind.ANALYSIS) == hook
        await tx.add_webhook(a_webhook(), "")
        assert await tx.analysis_hook(hook.tenant_id, lock=True) == hook
        assert await tx.analysis_hook(new_id()) is None
        assert await tx.webhooks(hook.tenant_id) == []
        retired = hook.retire(LATER)
        await tx.save_webhook(retired)
        assert await tx.analysis_hook(hook.tenant_id) == retired


async def test_who_is_asked_gets_longer_than_a_webhook(store: Store) -> None:
    hook, webhook = make_analysis_hook(new_id(), URL, "", THEN), a_webhook()
    async with store.transaction() as tx:
        await tx.add_webhook(hook, Kind.ANALYSIS)
        await tx.add_deliveries([question := a_delivery(hook)])
    await kept(store, webhook, told := a_delivery(webhook))

    async def claimed(after: float) -> set[str]:
        now = THEN + timedelta(seconds=after)
        until = now + timedelta(seconds=10)
        async with store.transaction() as tx:
            rows = await tx.claim(new_id(), now, until, most=9, each=8, analyses_until=until + timedelta(seconds=10))
        return {delivery.id for delivery, _ in rows}

    assert await claimed(0) == {question.id, told.id}
    assert await claimed(10) == {told.id}
    assert await claimed(20) == {question.id, told.id}
