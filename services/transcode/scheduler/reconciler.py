"""Finds work that fell between Postgres and the queue, and puts it back."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from meshkit.clock import utc_now
from meshkit.errors import MeshError, Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from services.transcode.scheduler.ports import Queue, Store
    from services.transcode.scheduler.publishing import Publishing

AT_ONCE = 200
SEEN_WITHIN = timedelta(seconds=20)
"""A queue message looked for longer ago than this is looked for again."""
PUBLISHED_WITHIN = timedelta(seconds=20)


class Reconciler:
    """Postgres is the truth: every task that is queued there has a message, or gets one.

    For `grace` after its start, and after the database was away, it takes nobody for dead: no heartbeat could be heard.
    """

    def __init__(
        self,
        store: Store,
        queue: Queue,
        publishing: Publishing,
        now: Callable[[], datetime] = utc_now,
        *,
        grace: timedelta = timedelta(0),
    ) -> None:
        self._store = store
        self._queue = queue
        self._publishing = publishing
        self._now = now
        self._grace = grace
        self._patient_until = now() + grace

    async def run_once(self) -> None:
        await self._requeue_expired()
        await self._requeue_lost()
        await self._publish_stuck()

    async def _requeue_expired(self) -> None:
        """A worker that died or froze: its task is queued again.

        With a message of its own: the one it had may be lost, or wait long for the dead worker's answer. Should both
        come, the second claim is refused.
        """
        now = self._now()
        try:
            async with self._store.transaction() as tx:
                patient = now < self._patient_until
                for task in () if patient else await tx.expired(now, AT_ONCE):
                    queued = task.expire()
                    await tx.save_task(queued)
                    await tx.enqueue(queued, now)
        except Unavailable:
            self._patient_until = now + self._grace
            raise

    async def _requeue_lost(self) -> None:
        """A queue that lost messages: tasks without one get a new one.

        Each has one until it is over, so that there is nothing to look for while the queue holds as many as there are.
        """
        now = self._now()
        held = await self._queue.size()
        # What was last seen in the queue before this one was made is not looked for any later.
        before = max(now - SEEN_WITHIN, await self._queue.born())
        async with self._store.transaction() as tx:
            if await tx.live_tasks(held + 1) <= held:
                return
            for task in await tx.waiting(before, AT_ONCE):
                if await self._queue.has(task):
                    await tx.seen(task, now)
                else:
                    await tx.enqueue(task, now)

    async def _publish_stuck(self) -> None:
        """Encoded jobs whose last event was lost or buried."""
        async with self._store.transaction() as tx:
            stuck = await tx.unpublished(self._now() - PUBLISHED_WITHIN, AT_ONCE)
        failure: MeshError | None = None
        for job in stuck:
            try:
                await self._publishing.publish(job.id)
            except MeshError as error:
                # One job's trouble shall not hold up the others.
                failure = error
        if failure:
            raise failure
