"""The fake rows of webhooks and Postgres keep the same promises."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from meshkit.ids import new_id
from services.notify.delivery import IN_ORDER, State
from services.notify.store import PostgresStore
from services.notify.webhook import Kind, make_callback, make_default
from services.notify.webhook import State as WebhookState
from tests.fakes.notify import FakeStore
from tests.fakes.webhooks import THEN, a_delivery, a_webhook, an_outcome

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from meshkit.db import Database
    from services.notify.delivery import Delivery
    from services.notify.ports import Store
    from services.notify.webhook import Webhook

LATER = THEN + timedelta(seconds=30)


@pytest.fixture(params=["fake", "postgres"])
async def store(request: pytest.FixtureRequest, database: Callable[[str], Awaitable[Database]]) -> AsyncIterator[Store]:
    if request.param == "fake":
        yield FakeStore()
        return
    db = await database("notify")
    yield PostgresStore(db)
    # Claims look at every tenant's.
    async with db.transaction() as connection:
        await connection.execute(sa.text("DELETE FROM webhooks"))


async def kept(store: Store, webhook: Webhook, *deliveries: Delivery) -> Webhook:
    async with store.transaction() as tx:
        await tx.add_webhook(webhook, "")
        await tx.add_deliveries(deliveries)
    return webhook


async def claim(store: Store, lease_id: str = "", *, after: float = 0, most: int = 100, each: int = 8) -> list[str]:
    """The event ids."""
    now = THEN + timedelta(seconds=after)
    async with store.transaction() as tx:
        claimed = await tx.claim(lease_id or new_id(), now, now + (LATER - THEN), most=most, each=each)
    return [delivery.event_id for delivery, _ in claimed]


async def test_a_webhook_is_kept_as_it_is_and_seen_by_its_tenant_alone(store: Store) -> None:
    webhook = await kept(store, a_webhook(events=("asset.ready",)).rotate(timedelta(hours=1), THEN).failed(THEN))
    async with store.transaction() as tx:
        assert await tx.webhook(webhook.tenant_id, webhook.id, lock=True) == webhook
        assert await tx.webhook(new_id(), webhook.id) is None
        changed = webhook.update({"description": "else"}, LATER)
        await tx.save_webhook(changed)
        assert await tx.webhooks(webhook.tenant_id) == [changed]
        assert await tx.webhooks(new_id()) == []


async def test_the_same_request_makes_one_webhook(store: Store) -> None:
    first, again = a_webhook(), a_webhook()
    async with store.transaction() as tx:
        assert await tx.add_webhook(first, "a") == first
        assert await tx.add_webhook(a_webhook(first.tenant_id, url=again.url), "a") == first
        assert await tx.add_webhook(again, "a") == again


async def test_webhooks_come_in_pages(store: Store) -> None:
    tenant = new_id()
    made = [await kept(store, a_webhook(tenant)) for _ in range(3)]
    async with store.transaction() as tx:
        assert await tx.webhooks(tenant, limit=2) == [made[2], made[1]]
        assert await tx.webhooks(tenant, before=made[1].id, limit=2) == [made[0]]


async def test_a_webhook_goes_with_its_deliveries(store: Store) -> None:
    webhook = a_webhook()
    delivery = a_delivery(webhook)
    await kept(store, webhook, delivery)
    async with store.transaction() as tx:
        await tx.remove_webhook(webhook)
    async with store.transaction() as tx:
        assert await tx.webhook(webhook.tenant_id, webhook.id) is None
        assert await tx.delivery(webhook.tenant_id, delivery.id) is None


async def test_a_webhook_gets_an_event_once(store: Store) -> None:
    webhook = a_webhook()
    delivery = a_delivery(webhook)
    await kept(store, webhook, delivery)
    async with store.transaction() as tx:
        await tx.add_deliveries([a_delivery(webhook, event_id=delivery.event_id), a_delivery(webhook)])
        found = await tx.deliveries(webhook.id, None, before=None, limit=10)
    assert [each.event_id for each in found].count(delivery.event_id) == 1
    assert len(found) == 2


async def test_a_delivery_is_kept_with_its_log(store: Store) -> None:
    webhook = a_webhook()
    delivery = a_delivery(webhook)
    await kept(store, webhook, delivery)
    settled = delivery.settle(an_outcome(500), 0.5)
    async with store.transaction() as tx:
        await tx.save_delivery(settled)
        found = await tx.delivery(webhook.tenant_id, delivery.id, lock=True)
        assert found is not None
        assert (found.log, found.tries, found.next_attempt_time) == (settled.log, 1, settled.next_attempt_time)
        assert await tx.delivery(new_id(), delivery.id) is None
        assert await tx.deliveries(webhook.id, State.SUCCEEDED, before=None, limit=10) == []
        assert len(await tx.deliveries(webhook.id, State.PENDING, before=None, limit=10)) == 1


async def test_what_is_due_is_claimed_once_until_the_lease_is_over(store: Store) -> None:
    webhook = a_webhook()
    due, later = a_delivery(webhook), a_delivery(webhook, next_attempt_time=THEN + timedelta(seconds=10))
    await kept(store, webhook, due, later)
    assert await claim(store) == [due.event_id]
    assert await claim(store) == []
    assert await claim(store, after=10) == [later.event_id]
    assert await claim(store, after=30) == [due.event_id]


async def test_only_who_has_the_lease_can_settle_it(store: Store) -> None:
    webhook = a_webhook()
    delivery = a_delivery(webhook)
    await kept(store, webhook, delivery)
    first, second = new_id(), new_id()
    await claim(store, first)
    await claim(store, second, after=40)
    async with store.transaction() as tx:
        assert not await tx.save_delivery(delivery.settle(an_outcome(500), 0), first)
        assert await tx.save_delivery(delivery.settle(an_outcome(), 0), second)
        assert not await tx.save_delivery(delivery.settle(an_outcome(500), 0), second)
        found = await tx.delivery(webhook.tenant_id, delivery.id)
        assert found is not None
        assert found.state is State.SUCCEEDED


async def test_what_is_released_is_due_at_once(store: Store) -> None:
    webhook = a_webhook()
    delivery = a_delivery(webhook)
    await kept(store, webhook, delivery)
    lease = new_id()
    await claim(store, lease)
    async with store.transaction() as tx:
        await tx.release([lease], THEN)
    assert await claim(store) == [delivery.event_id]


async def test_a_webhook_has_its_share_and_no_more(store: Store) -> None:
    busy, idle = a_webhook(), a_webhook()
    await kept(store, busy, *[a_delivery(busy) for _ in range(5)])
    await kept(store, idle, a_delivery(idle))
    assert len(await claim(store, each=3)) == 4
    assert await claim(store, each=3) == []
    assert len(await claim(store, each=4)) == 1


async def test_a_failing_webhook_gets_one_at_a_time(store: Store) -> None:
    webhook = a_webhook().failed(THEN)
    await kept(store, webhook, a_delivery(webhook), a_delivery(webhook))
    assert len(await claim(store)) == 1
    assert await claim(store) == []


async def test_no_more_than_there_is_room_for(store: Store) -> None:
    webhook = a_webhook()
    await kept(store, webhook, *[a_delivery(webhook) for _ in range(3)])
    assert len(await claim(store, most=2)) == 2


async def test_an_event_waits_for_the_earlier_ones_of_its_asset(store: Store) -> None:
    webhook, asset = a_webhook(), new_id()
    first, second = (a_delivery(webhook, asset_id=asset) for _ in range(2))
    other, unrelated = a_delivery(webhook), a_delivery(webhook, asset_id="")
    await kept(store, webhook, first, second, other, unrelated, a_delivery(webhook, asset_id="", event_id="x"))
    lease = new_id()
    assert set(await claim(store, lease)) == {first.event_id, other.event_id, unrelated.event_id, "x"}
    async with store.transaction() as tx:
        await tx.save_delivery(first.settle(an_outcome(500), 0))
    assert await claim(store) == []
    async with store.transaction() as tx:
        failed = first
        for _ in range(IN_ORDER):
            failed = failed.settle(an_outcome(500), 0)
        await tx.save_delivery(failed)
    assert await claim(store) == [second.event_id]


async def test_nobody_calls_a_webhook_that_is_disabled_or_wants_a_pause(store: Store) -> None:
    paused = a_webhook().failed(THEN, paused_until=THEN + timedelta(seconds=20))
    disabled = a_webhook(state=WebhookState.DISABLED)
    await kept(store, paused, a_delivery(paused))
    await kept(store, disabled, a_delivery(disabled))
    assert await claim(store) == []
    assert len(await claim(store, after=20)) == 1


async def test_a_range_is_replayed(store: Store) -> None:
    webhook = a_webhook()
    over = [
        a_delivery(webhook, create_time=THEN + timedelta(minutes=minute)).end(state, THEN)
        for minute, state in ((0, State.FAILED), (1, State.SUCCEEDED), (2, State.FAILED), (3, State.FAILED))
    ]
    await kept(store, webhook, *over, a_delivery(webhook, next_attempt_time=THEN + timedelta(hours=1)))
    async with store.transaction() as tx:
        window = (THEN + timedelta(minutes=1), THEN + timedelta(minutes=3))
        assert await tx.replay(webhook.id, [State.FAILED], *window, THEN) == 1
        assert await tx.replay(new_id(), [State.FAILED], *window, THEN) == 0
    assert await claim(store) == [over[2].event_id]
    async with store.transaction() as tx:
        assert await tx.replay(webhook.id, [State.FAILED, State.SUCCEEDED], *window, THEN) == 1


async def test_what_is_pending_is_ended(store: Store) -> None:
    webhook = a_webhook()
    pending, done = a_delivery(webhook), a_delivery(webhook).end(State.SUCCEEDED, THEN)
    await kept(store, webhook, pending, done)
    async with store.transaction() as tx:
        await tx.end_pending(webhook.id, LATER)
        found = {each.id: each for each in await tx.deliveries(webhook.id, None, before=None, limit=10)}
    assert (found[pending.id].state, found[pending.id].end_time) == (State.FAILED, LATER)
    assert found[done.id].state is State.SUCCEEDED
    assert await claim(store) == []


async def test_what_was_over_long_ago_is_forgotten(store: Store) -> None:
    webhook = a_webhook()
    old, pending = a_delivery(webhook).end(State.FAILED, THEN), a_delivery(webhook)
    await kept(store, webhook, old, pending, a_delivery(webhook).end(State.FAILED, LATER))
    async with store.transaction() as tx:
        await tx.purge_deliveries(LATER)
        found = await tx.deliveries(webhook.id, None, before=None, limit=10)
    assert old.id not in {each.id for each in found}
    assert len(found) == 2


async def test_a_callback_is_called_with_the_secrets_of_its_tenant(store: Store) -> None:
    default = make_default(new_id(), THEN)
    callback = make_callback(default.tenant_id, "https://club.example/done", THEN)
    async with store.transaction() as tx:
        assert await tx.add_webhook(default, Kind.DEFAULT) == default
        assert await tx.add_webhook(make_default(default.tenant_id, THEN), Kind.DEFAULT) == default
        assert await tx.add_webhook(callback, callback.url) == callback
        assert await tx.add_webhook(make_callback(default.tenant_id, callback.url, THEN), callback.url) == callback
        assert await tx.webhooks(default.tenant_id) == []
        await tx.add_deliveries([a_delivery(callback)])
    async with store.transaction() as tx:
        [(_, caller)] = await tx.claim(new_id(), THEN, LATER, most=10, each=8)
    assert (caller.id, caller.url, caller.secrets) == (callback.id, callback.url, default.secrets)


async def test_a_callback_without_deliveries_is_forgotten(store: Store) -> None:
    tenant = new_id()
    unused, used = (make_callback(tenant, f"https://club.example/{name}", THEN) for name in "ab")
    await kept(store, unused)
    await kept(store, used, a_delivery(used))
    async with store.transaction() as tx:
        await tx.purge_deliveries(LATER)
        assert await tx.webhook(tenant, unused.id) is None
        assert await tx.webhook(tenant, used.id) == used
