"""Rows that a store keeps, put there and read in transactions of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from services.transcode.scheduler.domain import Job
    from services.transcode.scheduler.ports import Store
    from services.transcode.scheduler.task import Task


async def stored(store: Store, job: Job, *tasks: Task) -> None:
    async with store.transaction() as tx:
        await tx.add_job(job, "")
        if tasks:
            await tx.add_tasks(tasks)


async def job_of(store: Store, job: Job) -> Job | None:
    async with store.transaction() as tx:
        return await tx.job(job.id)


async def task_of(store: Store, task: Task) -> Task | None:
    async with store.transaction() as tx:
        return await tx.task(task.id)
