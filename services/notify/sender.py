"""Send what is due, many at once."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING

from meshkit import telemetry
from meshkit.errors import Unavailable
from meshkit.instruments import WEBHOOK_ATTEMPT
from meshkit.telemetry import log

if TYPE_CHECKING:
    from services.notify.deliveries import Deliveries, Due
    from services.notify.delivery import Outcome

MOST = 512
"""Requests of one process at a time."""
POLL = 0.5
"""Seconds until a look at what other replicas took in, or time made due."""
_TOGETHER = 0.02
"""Seconds in which what becomes due is claimed at once."""
_DRAIN = 5.0
"""Seconds that requests get to be answered when the process ends."""


class Sender:
    def __init__(self, deliveries: Deliveries, due: asyncio.Event) -> None:
        """`due` is set by whoever makes something due."""
        self._deliveries = deliveries
        self._due = due
        self._running: dict[asyncio.Task[None], Due] = {}

    async def run(self) -> None:
        """Until cancelled; what is on its way then gets a moment to arrive."""
        try:
            while True:
                self._due.clear()
                try:
                    await self._begin()
                except Unavailable as error:
                    log.warning("deliveries wait", reason=error.reason)
                except Exception:
                    # The next look may be luckier; those who hear events must not go down with this one.
                    log.exception("nothing could be claimed")
                with suppress(TimeoutError):
                    async with asyncio.timeout(POLL):
                        await self._due.wait()
                await asyncio.sleep(_TOGETHER)
        finally:
            await self._end()

    async def _begin(self) -> None:
        room = MOST - len(self._running)
        if not room:
            return
        claiming = asyncio.ensure_future(self._deliveries.claim(room))
        try:
            claimed = await asyncio.shield(claiming)
        except asyncio.CancelledError:
            # They are ours by now, and nobody would make them until the lease runs out.
            with suppress(Unavailable):
                await self._deliveries.release(await claiming)
            raise
        for due in claimed:
            task = asyncio.create_task(self._send(due), name=f"deliver {due.delivery.id}")
            self._running[task] = due
            task.add_done_callback(self._over)

    def _over(self, task: asyncio.Task[None]) -> None:
        self._running.pop(task, None)
        # Its webhook may have something else, which waited for it.
        self._due.set()

    async def _send(self, due: Due) -> None:
        delivery = due.delivery
        with telemetry.processing("webhooks", delivery.headers, redelivered=delivery.attempts > 0):
            try:
                outcome = await self._deliveries.make(due)
            except Unavailable as error:
                # Whether it arrived is not written down: the lease runs out, and it is sent once more.
                log.warning("delivery not settled", delivery_id=delivery.id, reason=error.reason)
            except Exception:
                log.exception("delivery failed", delivery_id=delivery.id)
            else:
                WEBHOOK_ATTEMPT.record(outcome.duration, outcome=_kind(outcome))
                if outcome.error:
                    log.info("delivery refused", delivery_id=delivery.id, status=outcome.status, reason=outcome.error)

    async def _end(self) -> None:
        if not self._running:
            return
        _, late = await asyncio.wait(self._running, timeout=_DRAIN)
        given_up = [self._running[task] for task in late]
        for task in late:
            task.cancel()
        if given_up:
            await asyncio.wait(late)
            await self._deliveries.release(given_up)


def _kind(outcome: Outcome) -> str:
    """In few words: of what receivers answer, its class."""
    refused = outcome.error.startswith("http_")
    return f"http_{outcome.status // 100}xx" if refused else outcome.error or "delivered"
