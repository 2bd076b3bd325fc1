"""The fake store and Postgres keep the same promises about attempts."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from meshkit.ids import new_id
from services.transcode.scheduler.attempt import Attempt
from tests.contract.transcode.kept import stored
from tests.fakes.transcode_rows import NOW, a_job, a_task

if TYPE_CHECKING:
    from services.transcode.scheduler.ports import Store


async def test_attempts_are_noted_once_and_forgotten(store: Store) -> None:
    job, other = a_job(), a_job()
    task = a_task(job)
    await stored(store, job, task)
    await stored(store, other)

    def an_attempt(epoch: int, log: str = "") -> Attempt:
        said = {"outcome": "failed", "error_code": "corrupt", "command": "ffmpeg -i x", "log": log}
        which = {"id": new_id(), "job_id": job.id, "task_id": task.id, "kind": "probe", "worker_id": "w"}
        return Attempt(**which, **said, index=0, epoch=epoch, create_time=NOW + epoch * timedelta(days=1))

    first, second = an_attempt(1), an_attempt(2)
    async with store.transaction() as tx:
        for each in (first, second, an_attempt(2, "again")):
            await tx.add_attempt(each)
        assert await tx.attempts(job.id, before=None, limit=9) == [second, first]
        assert await tx.attempts(job.id, before=second.id, limit=9) == [first]
        assert await tx.attempts(job.id, before=None, limit=1) == [second]
        assert await tx.attempts(other.id, before=None, limit=9) == []
        await tx.forget_attempts(NOW + timedelta(days=1, hours=1))
        assert await tx.attempts(job.id, before=None, limit=9) == [second]
        await tx.cancel_tasks(job.id)
