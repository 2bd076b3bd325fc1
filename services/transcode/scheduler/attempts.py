"""How workers went about their tasks, for whoever runs the platform."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from meshkit import pages
from meshkit.clock import utc_now
from meshkit.errors import NotFound
from meshkit.ids import new_id
from services.transcode.scheduler.attempt import Attempt

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from services.transcode.scheduler.ports import Store

KEPT = timedelta(days=14)


class Attempts:
    def __init__(self, store: Store, now: Callable[[], datetime] = utc_now) -> None:
        self._store = store
        self._now = now

    async def note(self, task_id: str, epoch: int, outcome: str, error_code: str, said: tuple[str, str]) -> None:
        """The command and the log of a claim that is over; whoever holds the task by now. Raises NotFound."""
        async with self._store.transaction() as tx:
            task = await tx.task(task_id)
            if task is None or task.epoch < epoch:
                raise NotFound("task_not_found", "no such task")
            command, log = said
            noted = Attempt(
                id=new_id(),
                job_id=task.job_id,
                task_id=task.id,
                kind=task.kind,
                index=task.index,
                epoch=epoch,
                worker_id=task.worker_id if task.epoch == epoch else "",
                outcome=outcome,
                error_code=error_code,
                command=command,
                log=log,
                create_time=self._now(),
            )
            await tx.add_attempt(noted)

    async def of_job(
        self, tenant_id: str | None, job_id: str, page_size: int, page_token: str
    ) -> tuple[list[Attempt], str]:
        """Newest first; `tenant_id` None is for an operator, who sees every tenant's. Raises NotFound."""
        size = page_size or pages.DEFAULT_SIZE
        before = pages.before(page_token)
        async with self._store.transaction() as tx:
            job = await tx.job(job_id)
            if job is None or tenant_id not in {None, job.tenant_id}:
                raise NotFound("job_not_found", "no such job")
            rows = await tx.attempts(job_id, before=before, limit=size + 1)
        return pages.page(rows, size)

    async def forget(self) -> None:
        async with self._store.transaction() as tx:
            await tx.forget_attempts(self._now() - KEPT)
