"""Leases: a worker gets a task, keeps it by heartbeats, and only the newest claim's result counts."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, TypeVar

from meshkit.clock import utc_now
from meshkit.concurrent import Together
from meshkit.errors import MeshError, NotFound
from services.transcode.scheduler import analysing, filing, starting
from services.transcode.scheduler.claiming import Claiming
from services.transcode.scheduler.describing import Describing
from services.transcode.scheduler.domain import PROGRESS_STEP, worth_telling
from services.transcode.scheduler.jobs import fail
from services.transcode.scheduler.landing import Arrived, Landing
from services.transcode.scheduler.ports import Sign
from services.transcode.scheduler.task import MAX_ATTEMPTS, OPTIONAL, Task, TaskKind, TaskState

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime
    from typing import Any

    from services.transcode.scheduler.domain import Job
    from services.transcode.scheduler.file import File
    from services.transcode.scheduler.ports import Store, Transaction
    from services.transcode.scheduler.rendition import Rendition, Result

R = TypeVar("R")
_BACKOFF = timedelta(seconds=2)
_LONGEST_BACKOFF = timedelta(seconds=60)
_SEGMENTS_AT_ONCE = 1000


class Tasks:
    """`lease` is how long a claim lasts without a heartbeat."""

    def __init__(self, store: Store, lease: timedelta, now: Callable[[], datetime] = utc_now) -> None:
        self._store = store
        self._lease = lease
        self._now = now
        self._describing = Describing()
        self.claim = Claiming(store, lease, now)
        self._beats: Together[Sign, datetime | None] = Together(self._beat_all)
        self._landings: Together[Arrived, bool] = Together(self._land_all)

    async def beat(self, task_id: str, epoch: int, progress: float) -> datetime | None:
        """When the lease now ends; None if the task was cancelled. Raises Conflict (`stale_epoch`), NotFound."""
        return await self._beats(Sign(task_id=task_id, epoch=epoch, progress=progress))

    async def _beat_all(self, signs: Sequence[Sign]) -> Sequence[datetime | MeshError | None]:
        now = self._now()
        async with self._store.signals() as signals:
            met = await signals.beat(signs, now + self._lease)
        told = [(each.task_id, each.epoch) for each in signs]
        answers = [now + self._lease if each in met else await self._missed(*each) for each in told]
        encodes = (each for each in met.values() if each.kind is not TaskKind.PROBE)
        for job_id in {each.job_id for each in encodes if worth_telling(each.told_time, now)}:
            await self._tell_progress(job_id, now)
        return answers

    async def _missed(self, task_id: str, epoch: int) -> MeshError | None:
        """What to answer to a sign of life that met no running claim; None if that was cancelled."""
        try:
            async with self._store.at_once() as tx:
                task = _found(await tx.task(task_id))
            if task.state is not TaskState.CANCELLED or task.epoch != epoch:
                task.held(epoch)
        except MeshError as error:
            return error
        return None

    async def complete_probe(self, task_id: str, epoch: int, facts: Mapping[str, Any]) -> bool:
        """The source is known: queue what is to be done with it. False if that was so before.

        Raises Conflict (`stale_epoch`).
        """
        now = self._now()
        async with self._store.transaction() as tx:
            task, job = _found(await tx.task_of_job(task_id))
            if task.done(epoch):
                return False
            await tx.save_task(task.succeed(epoch))
            source = await tx.source(job.tenant_id, job.asset_id)
            if source and source.sha256 and source.sha256 != facts.get("sha256"):
                await fail(tx, job, "checksum_mismatch", "the file is not the one whose sha256 was declared", now)
            else:
                await starting.start(tx, job, facts, now)
        return True

    async def land_segments(self, task_id: str, epoch: int, result: Result) -> None:
        """So much of a track is there, while its task goes on. Idempotent.

        Raises Conflict (`stale_epoch`, `init_mismatch`).
        """
        async with self._store.transaction() as tx:
            task, job = _found(await tx.task_of_job(task_id))
            task.held(epoch)
            await self._describing.describe(tx, job.id, [result])
            await tx.add_segments(job.id, result.segments)
            if not job.playable:
                await tx.say_grown(job)

    async def complete_encode(self, task_id: str, epoch: int, results: Sequence[Result]) -> bool:
        """A chunk or the audio has landed. False if it had before. Raises Conflict (`stale_epoch`)."""
        return await self._landings(Arrived(task_id=task_id, epoch=epoch, results=results))

    async def _land_all(self, arrived: Sequence[Arrived]) -> list[MeshError | bool]:
        async with self._store.transaction() as tx:
            landing = Landing(tx, self._describing, self._now())
            await landing.find([each.task_id for each in arrived])
            answers = [await landing.take(each) for each in arrived]
            await landing.save()
            for wrong in landing.wrong:
                # The one before may have ended their job.
                task, job = _found(await tx.task_of_job(wrong.id))
                if not task.over:
                    await self._give_up(tx, wrong, job)
        return answers

    async def complete_files(self, task_id: str, epoch: int, files: Sequence[File]) -> bool:
        """Plain files have landed. False if they had before. Raises Conflict (`stale_epoch`)."""
        async with self._store.transaction() as tx:
            task, job = _found(await tx.task_of_job(task_id))
            if new := not task.done(epoch):
                await tx.save_task(task.succeed(epoch))
                await filing.land(tx, task, job, files, self._now())
        return new

    async def complete_analysis(self, task_id: str, epoch: int, part_json: str) -> bool:
        """A part of an analysis has landed. False if it had before. Raises Conflict (`stale_epoch`)."""
        async with self._store.transaction() as tx:
            task, job = _found(await tx.task_of_job(task_id))
            if new := not task.done(epoch):
                await tx.save_task(task.succeed(epoch))
                await analysing.land(tx, task, job, part_json, self._now())
        return new

    async def segments(
        self, task_id: str, epoch: int, rendition: str, start: int, count: int = 0
    ) -> tuple[Rendition, list[str]]:
        """A rendition of the task's job, and the keys of some segments from `start` on; none after the last.

        Raises Conflict (`stale_epoch`), NotFound.
        """
        async with self._store.transaction() as tx:
            task, job = _found(await tx.task_of_job(task_id))
            task.held(epoch)
            made = {each.name: each for each in await tx.renditions(job.id)}
            keys = await tx.segment_keys(job.id, rendition, start, min(count or _SEGMENTS_AT_ONCE, _SEGMENTS_AT_ONCE))
        return _found(made.get(rendition)), list(keys)

    async def fail(self, task_id: str, epoch: int, code: str, message: str, *, retryable: bool) -> None:
        """An attempt failed: try again after a while, or fail the job. Idempotent. Raises Conflict (`stale_epoch`)."""
        now = self._now()
        async with self._store.transaction() as tx:
            task, job = _found(await tx.task_of_job(task_id))
            if _ended(task, epoch):
                return
            if retryable and task.attempts < MAX_ATTEMPTS:
                await tx.save_task(task.retry(epoch, code, message, backoff(task.attempts), now))
                return
            await tx.save_task(task.fail(epoch, code, message))
            await _bear(tx, task, job, code, message, now)

    async def expire(self, task_id: str, epoch: int) -> None:
        """The last attempt's lease ran out: its job fails."""
        async with self._store.transaction() as tx:
            found = await tx.task_of_job(task_id)
            if found and found[0].epoch == epoch and found[0].state is TaskState.RUNNING:
                await self._give_up(tx, *found)

    async def release(self, task_id: str, epoch: int) -> None:
        """A worker that has to go hands its task back. Idempotent. Raises Conflict (`stale_epoch`)."""
        async with self._store.transaction() as tx:
            task = _found(await tx.task(task_id))
            if not _ended(task, epoch):
                await tx.save_task(task.release(epoch))

    async def _tell_progress(self, job_id: str, now: datetime) -> None:
        async with self._store.transaction() as tx:
            job = await tx.job(job_id, lock=True)
            if job is None or job.over or not worth_telling(job.progress_time, now):
                return
            grown = job.progressed(await tx.running_weight(job.id), now)
            far = grown.progress - job.progress >= PROGRESS_STEP
            await tx.save_job((grown if far else job).told(now))
            if far:
                await tx.say(grown, "progressed")

    async def _give_up(self, tx: Transaction, task: Task, job: Job) -> None:
        message = task.error_message or f"no worker finished the task in {MAX_ATTEMPTS} attempts"
        await tx.save_task(replace(task, state=TaskState.FAILED, lease_expire_time=None))
        await _bear(tx, task, job, task.error_code or "encode_failed", message, self._now())


async def _bear(tx: Transaction, task: Task, job: Job, code: str, message: str, now: datetime) -> None:
    """A task failed for good: its job fails, or does without."""
    if job.over:
        return
    if task.kind is TaskKind.ANALYSIS:
        await analysing.leave_out(tx, task, job, now)
    elif task.kind in OPTIONAL and job.encoding.total:
        await filing.leave_out(tx, task, job, now)
    else:
        await fail(tx, job, code, message, now)


def backoff(attempts: int) -> timedelta:
    """Full jitter: anything up to 2 s doubled with each attempt, at most a minute."""
    longest: timedelta = min(_BACKOFF * 2**attempts, _LONGEST_BACKOFF)
    return longest * random.uniform(0.1, 1.0)


def _ended(task: Task, epoch: int) -> bool:
    """Whether this very claim has ended already, one way or another, and no other came after it."""
    return task.epoch == epoch and task.state is not TaskState.RUNNING


def _found(row: R | None) -> R:
    if row is None:
        raise NotFound("task_not_found", "no such task")
    return row
