"""What can be done with webhooks and their deliveries."""

from __future__ import annotations

from typing import TYPE_CHECKING

from meshkit import pages
from meshkit.clock import utc_now
from meshkit.errors import Conflict, NotFound
from meshkit.ids import new_id
from services.notify.delivery import Delivery, State, check_range, make_delivery
from services.notify.domain import Event
from services.notify.webhook import TEST, Kind, Webhook, check_events, make_default, new_secret

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping
    from datetime import datetime, timedelta

    from services.notify.ports import Receivers, Store, Transaction

MOST = 100
"""Webhooks of one tenant."""
CALLED = (Kind.WEBHOOK, Kind.CALLBACK, Kind.ANALYSIS)
OVER = (State.SUCCEEDED, State.FAILED)


class Webhooks:
    def __init__(self, store: Store, receivers: Receivers, now: Callable[[], datetime] = utc_now) -> None:
        self._store = store
        self._receivers = receivers
        self._now = now

    async def create(
        self, tenant_id: str, url: str, events: tuple[str, ...] = (), description: str = "", request_id: str = ""
    ) -> Webhook:
        check_events(events)
        await self._receivers.check(url)
        now = self._now()
        made = Webhook(
            id=new_id(),
            tenant_id=tenant_id,
            url=url,
            events=events,
            description=description,
            secrets=(new_secret(),),
            create_time=now,
            update_time=now,
        )
        async with self._store.transaction() as tx:
            kept = await tx.add_webhook(made, request_id)
            if kept is made and len(await tx.webhooks(tenant_id, limit=MOST + 1)) > MOST:
                raise Conflict("too_many_webhooks", f"a tenant may have {MOST} webhooks", limit=MOST)
        return kept

    async def get(self, tenant_id: str, webhook_id: str) -> Webhook:
        async with self._store.transaction() as tx:
            return await _found(tx, tenant_id, webhook_id)

    async def page(self, tenant_id: str, page_size: int, page_token: str) -> tuple[list[Webhook], str]:
        size = page_size or pages.DEFAULT_SIZE
        async with self._store.transaction() as tx:
            rows = await tx.webhooks(tenant_id, before=pages.before(page_token), limit=size + 1)
        return pages.page(rows, size)

    async def update(self, tenant_id: str, webhook_id: str, changes: Mapping[str, object], etag: str) -> Webhook:
        """Disabling it ends what it was still to get."""
        if url := changes.get("url"):
            await self.get(tenant_id, webhook_id)
            await self._receivers.check(str(url))
        async with self._store.transaction() as tx:
            webhook = (await _found(tx, tenant_id, webhook_id, lock=True)).expect(etag)
            changed = webhook.update(changes, self._now())
            await tx.save_webhook(changed)
            if changed.state != webhook.state and changed.disabled_reason:
                await tx.end_pending(webhook_id, self._now())
        return changed

    async def delete(self, tenant_id: str, webhook_id: str, etag: str) -> None:
        async with self._store.transaction() as tx:
            await tx.remove_webhook((await _found(tx, tenant_id, webhook_id, lock=True)).expect(etag))

    async def rotate(self, tenant_id: str, webhook_id: str, overlap: timedelta) -> Webhook:
        async with self._store.transaction() as tx:
            webhook = (await _found(tx, tenant_id, webhook_id, lock=True)).rotate(overlap, self._now())
            await tx.save_webhook(webhook)
        return webhook

    async def rotate_callback_secret(self, tenant_id: str, overlap: timedelta) -> Webhook:
        """The tenant's first secret for callbacks, or a new one."""
        async with self._store.transaction() as tx:
            made = make_default(tenant_id, self._now())
            kept = await tx.add_webhook(made, Kind.DEFAULT)
            if kept is made:
                return made
            locked = await tx.webhook(tenant_id, kept.id, lock=True) or kept
            rotated = locked.rotate(overlap, self._now())
            await tx.save_webhook(rotated)
        return rotated

    async def check(self, url: str) -> None:
        """Raises InvalidArgument for a URL that may not be called."""
        await self._receivers.check(url)

    async def test(self, tenant_id: str, webhook_id: str) -> Delivery:
        """An event of its own, for this webhook alone."""
        now = self._now()
        async with self._store.transaction() as tx:
            webhook = (await _found(tx, tenant_id, webhook_id)).enabled()
            data = {"webhook_id": webhook.id, "description": webhook.description}
            event = Event(type=TEST, tenant_id=tenant_id, create_time=now, asset_id="", data=data)
            delivery = make_delivery(event, webhook, new_id(), now)
            await tx.add_deliveries([delivery])
        return delivery

    async def delivery(self, tenant_id: str, delivery_id: str) -> Delivery:
        async with self._store.transaction() as tx:
            return await _found_delivery(tx, tenant_id, delivery_id)

    async def deliveries(
        self, tenant_id: str, webhook_id: str, state: State | None, page_size: int, page_token: str
    ) -> tuple[list[Delivery], str]:
        size = page_size or pages.DEFAULT_SIZE
        async with self._store.transaction() as tx:
            await _found(tx, tenant_id, webhook_id, CALLED)
            rows = await tx.deliveries(webhook_id, state, before=pages.before(page_token), limit=size + 1)
        return pages.page(rows, size)

    async def replay(self, tenant_id: str, delivery_id: str) -> Delivery:
        """Once more, under the same event id. One that is still to come comes now."""
        now = self._now()
        async with self._store.transaction() as tx:
            delivery = await _found_delivery(tx, tenant_id, delivery_id)
            (await _found(tx, tenant_id, delivery.webhook_id, CALLED, lock=True)).enabled()
            again = (await _found_delivery(tx, tenant_id, delivery_id, lock=True)).replay(now)
            await tx.save_delivery(again)
        return again

    async def replay_range(
        self, tenant_id: str, webhook_id: str, state: State | None, start: datetime, end: datetime | None
    ) -> int:
        """Once more whatever was made in the time from `start` to `end` and is over; how many that are."""
        now = self._now()
        check_range(start, end or now)
        async with self._store.transaction() as tx:
            (await _found(tx, tenant_id, webhook_id, lock=True)).enabled()
            return await tx.replay(webhook_id, [state] if state else OVER, start, end or now, now)


async def _found(
    tx: Transaction, tenant_id: str, webhook_id: str, kinds: Collection[Kind] = (Kind.WEBHOOK,), *, lock: bool = False
) -> Webhook:
    webhook = await tx.webhook(tenant_id, webhook_id, lock=lock)
    if webhook is None or webhook.kind not in kinds:
        raise NotFound("webhook_not_found", "no such webhook")
    return webhook


async def _found_delivery(tx: Transaction, tenant_id: str, delivery_id: str, *, lock: bool = False) -> Delivery:
    delivery = await tx.delivery(tenant_id, delivery_id, lock=lock)
    if delivery is None:
        raise NotFound("delivery_not_found", "no such delivery")
    return delivery
