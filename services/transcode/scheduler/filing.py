"""What becomes of a job as its files land, and as some never will."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.transcode.scheduler.file import File

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from services.transcode.scheduler.domain import Job
    from services.transcode.scheduler.ports import Transaction
    from services.transcode.scheduler.task import Task

EXPECTED = "files"
"""In a task's spec: kind and name of each file that it is to make, for when it makes none."""


async def land(tx: Transaction, task: Task, job: Job, files: Sequence[File], now: datetime) -> None:
    """A task has made these files, and they are the job's from now on."""
    await _take(tx, job.beside_done(task.kind, task.weight, now), files)


async def leave_out(tx: Transaction, task: Task, job: Job, now: datetime) -> None:
    """A task that the job can do without has failed: its files are told as missing."""
    missing = [File(kind=kind, name=name, state="errored") for kind, name in task.spec.get(EXPECTED, ())]
    await _take(tx, job.beside_done(task.kind, task.weight, now, failed=True), missing)


async def _take(tx: Transaction, job: Job, files: Sequence[File]) -> None:
    await tx.add_files(job.id, files)
    job = job.made(each.output(job.id) for each in files)
    if job.worth_telling_growth:
        job = job.told_growth()
        await tx.say_grown(job)
    await tx.save_job(job)
