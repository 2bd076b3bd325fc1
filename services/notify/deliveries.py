"""Make deliveries that are due, and draw the consequences."""

from __future__ import annotations

import random
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from meshkit.clock import utc_now
from meshkit.errors import Unavailable
from meshkit.ids import new_id
from services.notify.delivery import GONE, LEASE, pause
from services.notify.delivery import State as DeliveryState
from services.notify.telling import tell
from services.notify.webhook import Kind, State

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from services.notify.analyses import Analyses
    from services.notify.delivery import Delivery, Outcome
    from services.notify.ports import Receivers, Store, Transaction
    from services.notify.webhook import Webhook

AT_ONCE = 8
"""Requests to one webhook: a slow one fills its own share and no more."""
KEPT = timedelta(days=30)
"""How long the log of what is over is kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """A delivery that is ours to make until the lease runs out."""

    lease_id: str
    delivery: Delivery
    webhook: Webhook


class Deliveries:
    def __init__(
        self,
        store: Store,
        receivers: Receivers,
        analyses: Analyses,
        lease: timedelta = LEASE,
        now: Callable[[], datetime] = utc_now,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._store = store
        self._receivers = receivers
        self._analyses = analyses
        self._lease = lease
        self._now = now
        self._jitter = jitter

    async def claim(self, most: int) -> list[Due]:
        lease_id, now = new_id(), self._now()
        async with self._store.transaction() as tx:
            until, analyses_until = now + self._lease, now + self._analyses.lease
            claimed = await tx.claim(lease_id, now, until, most=most, each=AT_ONCE, analyses_until=analyses_until)
        return [Due(lease_id=lease_id, delivery=delivery, webhook=webhook) for delivery, webhook in claimed]

    async def make(self, due: Due) -> Outcome:
        """One attempt, and what follows from it."""
        outcome, settled = await self._tried(due)
        # Without the lease it is somebody else's, or nobody's: it was replayed, or its webhook disabled.
        if not (outcome.error or due.webhook.failing_since_time):
            async with self._store.at_once() as tx:
                await tx.save_delivery(settled, due.lease_id)
            return outcome
        async with self._store.transaction() as tx:
            webhook = await tx.webhook(due.webhook.tenant_id, due.webhook.id, lock=True)
            if webhook and await tx.save_delivery(settled, due.lease_id):
                await self._judge(tx, webhook, outcome)
        return outcome

    async def _tried(self, due: Due) -> tuple[Outcome, Delivery]:
        delivery, webhook = due.delivery, due.webhook
        if webhook.kind is not Kind.ANALYSIS:
            outcome = await self._receivers.post(webhook.url, delivery, webhook.signers(self._now()))
            return outcome, delivery.settle(outcome, self._jitter())
        outcome = await self._analyses.ask(delivery, webhook)
        settled = delivery.settle(outcome, self._jitter(), self._analyses.schedule)
        if settled.state is not DeliveryState.PENDING:
            # Before it is over here: who dies in between does both again, and the first answer stays.
            await self._analyses.end(settled, outcome)
        return outcome, settled

    async def release(self, dues: Sequence[Due]) -> None:
        """Those that will not be made here are somebody else's at once; failing that, when their lease runs out."""
        if not dues:
            return
        with suppress(Unavailable):
            async with self._store.transaction() as tx:
                await tx.release(sorted({due.lease_id for due in dues}), self._now())

    async def purge(self) -> None:
        async with self._store.transaction() as tx:
            await tx.purge_deliveries(self._now() - KEPT)

    async def _judge(self, tx: Transaction, webhook: Webhook, outcome: Outcome) -> None:
        if not outcome.error or outcome.final:
            judged = webhook.answered()
        else:
            asked = pause(outcome)
            until = self._now() + asked if asked else None
            judged = webhook.failed(self._now(), gone=outcome.status == GONE, paused_until=until)
        if judged == webhook:
            return
        await tx.save_webhook(judged)
        if judged.state is not webhook.state and judged.state is State.DISABLED:
            await self._disabled(tx, judged)

    async def _disabled(self, tx: Transaction, webhook: Webhook) -> None:
        await tx.end_pending(webhook.id, self._now())
        await tell(tx, await tx.say_disabled(webhook), new_id(), self._now())
