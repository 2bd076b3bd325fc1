"""An event, to all who want to hear of it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from services.notify.analysis import REQUESTED
from services.notify.delivery import make_delivery
from services.notify.webhook import DELIVERED, Kind, make_callback, make_default

if TYPE_CHECKING:
    from datetime import datetime

    from services.notify.domain import Event
    from services.notify.ports import Transaction
    from services.notify.webhook import Webhook


async def tell(tx: Transaction, event: Event, event_id: str, now: datetime) -> None:
    """To the live feed, and to every webhook that wants it, in the transaction that knows of it."""
    await tx.tell(event)
    if event.type in DELIVERED:
        wanting = [each for each in await tx.webhooks(event.tenant_id) if each.wants(event.type)]
        if event.callback_url:
            wanting.append(await _callback(tx, event.tenant_id, event.callback_url, now))
        deliveries = [make_delivery(event, each, event_id, now) for each in wanting]
        if event.type == "asset.created" and (hook := await tx.analysis_hook(event.tenant_id)) and hook.url:
            asking = replace(event, type=REQUESTED, data={"asset": event.data})
            deliveries.append(make_delivery(asking, hook, event_id, now))
        await tx.add_deliveries(deliveries)


async def _callback(tx: Transaction, tenant_id: str, url: str, now: datetime) -> Webhook:
    await tx.add_webhook(make_default(tenant_id, now), Kind.DEFAULT)
    return await tx.add_webhook(make_callback(tenant_id, url, now), url)
