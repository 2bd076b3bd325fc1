"""Results of encode tasks, as they come: those that come together are one transaction."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from meshkit.errors import Conflict, MeshError, NotFound

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from services.transcode.scheduler.describing import Describing
    from services.transcode.scheduler.domain import Job
    from services.transcode.scheduler.ports import Transaction
    from services.transcode.scheduler.rendition import Result, Segment
    from services.transcode.scheduler.task import Task


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrived:
    """What a worker says that it made of a task."""

    task_id: str
    epoch: int
    results: Sequence[Result]


@dataclass(slots=True)
class _Growth:
    """What comes to one job, as it is then."""

    job: Job
    tasks: list[Task] = field(default_factory=list)
    segments: list[Segment] = field(default_factory=list)


class Landing:
    """One transaction's results: `take` each, then `save` them. `wrong` are tasks whose results cannot be taken."""

    def __init__(self, tx: Transaction, describing: Describing, now: datetime) -> None:
        self._tx = tx
        self._describing = describing
        self._now = now
        self._tasks: dict[str, Task] = {}
        self._growths: dict[str, _Growth] = {}
        self.wrong: list[Task] = []

    async def find(self, task_ids: Sequence[str]) -> None:
        for task, job in await self._tx.tasks_of_jobs(task_ids):
            self._tasks[task.id] = task
            self._growths[job.id] = _Growth(job)

    async def take(self, arrived: Arrived) -> MeshError | bool:
        """Whether it is new: what came before has no effect. Or why not: Conflict (`stale_epoch`), NotFound."""
        task = self._tasks.get(arrived.task_id)
        if task is None:
            return NotFound("task_not_found", "no such task")
        try:
            if new := not task.done(arrived.epoch):
                await self._grow(task, arrived)
        except Conflict as stale:
            return stale
        return new

    async def _grow(self, task: Task, arrived: Arrived) -> None:
        done = self._tasks[task.id] = task.succeed(arrived.epoch)
        try:
            await self._describing.describe(self._tx, task.job_id, arrived.results)
        except Conflict as mismatch:
            self.wrong.append(replace(task, error_code=mismatch.reason, error_message=mismatch.message))
            return
        growth = self._growths[task.job_id]
        growth.job = growth.job.task_done(done.weight, self._now)
        growth.tasks.append(done)
        growth.segments += [segment for result in arrived.results for segment in result.segments]

    async def save(self) -> None:
        for growth in self._growths.values():
            if growth.tasks:
                await self._save(growth.job, growth)

    async def _save(self, job: Job, growth: _Growth) -> None:
        if job.encoded:
            await self._tx.release_held(job.id, self._now)
        if job.worth_telling_growth:
            job = job.told_growth()
            await self._tx.say_grown(job)
        await self._tx.land(growth.tasks, job, growth.segments)
