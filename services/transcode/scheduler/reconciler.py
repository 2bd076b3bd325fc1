"""Finds work that fell between Postgres and the queue, and puts it back."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from meshkit.clock import utc_now
from meshkit.errors import MeshError, Unavailable
from services.transcode.scheduler.task import MAX_ATTEMPTS

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from services.transcode.scheduler.ports import Queue, Store
    from services.transcode.scheduler.publishing import Publishing
    from services.transcode.scheduler.tasks import Tasks

AT_ONCE = 200
SENT_WITHIN = timedelta(seconds=20)
"""A task whose message is older than this, and that still waits while the queue is empty, has lost it."""
PUBLISHED_WITHIN = timedelta(seconds=20)


class Reconciler:
    """Postgres is the truth: every task that is queued there has a message, or gets one.

    For `grace` after its start, and after the database was away, it takes nobody for dead: no heartbeat could be heard.
    """

    def __init__(
        self,
        store: Store,
        queue: Queue,
        tasks: Tasks,
        publishing: Publishing,
        now: Callable[[], datetime] = utc_now,
        *,
        grace: timedelta = timedelta(0),
    ) -> None:
        self._store = store
        self._queue = queue
        self._tasks = tasks
        self._publishing = publishing
        self._now = now
        self._grace = grace
        self._patient_until = now() + grace

    async def run_once(self) -> None:
        await self._requeue_expired()
        await self._requeue_lost()
        await self._publish_stuck()

    async def _requeue_expired(self) -> None:
        """A worker that died or froze: its task is queued again, with a message of its own.

        The one it was claimed by may be lost, or wait long for the dead worker's answer. One too many does no harm.
        """
        now = self._now()
        try:
            async with self._store.transaction() as tx:
                patient = now < self._patient_until
                expired = [] if patient else await tx.expired(now, AT_ONCE)
                again = [task for task in expired if task.attempts < MAX_ATTEMPTS]
                for task in again:
                    await tx.save_task(task.expire())
                await tx.enqueue(again, now)
        except Unavailable:
            self._patient_until = now + self._grace
            raise
        for task in expired:
            if task not in again:
                await self._tasks.expire(task.id, task.epoch)

    async def _requeue_lost(self) -> None:
        """A queue that lost messages: as many as there are tasks waiting in vain, a batch at a time.

        While a message waits for a worker nobody waits in vain: any message will do for any task.
        """
        if not await self._queue.drained():
            return
        now = self._now()
        # What was sent before the queue was made is not in it.
        before = max(now - SENT_WITHIN, await self._queue.born())
        async with self._store.transaction() as tx:
            await tx.enqueue(await tx.waiting(before, AT_ONCE), now)

    async def _publish_stuck(self) -> None:
        """Encoded jobs whose last event was lost or buried."""
        async with self._store.at_once() as tx:
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
