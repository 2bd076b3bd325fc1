"""Ask an outside service about assets, and hand on what it says."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from meshkit.clock import utc_now
from meshkit.errors import NotFound
from services.notify.analysis import LARGEST, SCHEDULE, TIMEOUT, asking, judged
from services.notify.delivery import Outcome

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from services.notify.delivery import Delivery
    from services.notify.ports import Assets, Receivers
    from services.notify.webhook import Webhook

HOOK_DELETED = "hook_deleted"


class Analyses:
    def __init__(
        self,
        receivers: Receivers,
        assets: Assets,
        timeout: float = TIMEOUT,
        schedule: Sequence[float] = SCHEDULE,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        """`timeout` and `schedule` in seconds."""
        self._receivers = receivers
        self._assets = assets
        self._timeout = timeout
        self._now = now
        self.schedule = tuple(timedelta(seconds=each) for each in schedule)
        self.lease = timedelta(seconds=2 * timeout)

    async def ask(self, delivery: Delivery, hook: Webhook) -> Outcome:
        """One attempt; a success without a body where there is an answer already. Raises Unavailable."""
        now = self._now()
        if not hook.url:
            return _unasked(now, HOOK_DELETED)
        try:
            source = await self._assets.open(delivery.tenant_id, delivery.asset_id)
        except NotFound as error:
            return _unasked(now, error.reason)
        if source is None:
            return _unasked(now)
        asked = asking(delivery, source)
        return judged(
            await self._receivers.post(hook.url, asked, hook.signers(now), most=LARGEST, within=self._timeout)
        )

    async def end(self, delivery: Delivery, outcome: Outcome) -> None:
        """What came of it goes to the asset. Raises Unavailable."""
        if outcome.error:
            message = f"there was no answer that counts in {delivery.attempts} attempts"
            await self._assets.fail(delivery.tenant_id, delivery.asset_id, outcome.error, message)
        elif outcome.body:
            await self._assets.answer(delivery.tenant_id, delivery.asset_id, outcome.body.decode())


def _unasked(now: datetime, error: str = "") -> Outcome:
    return Outcome(start_time=now, duration=0.0, url="", headers={}, error=error, final=bool(error))
