"""Leases: a worker gets a task, keeps it by heartbeats, and only the newest claim's result counts."""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, TypeVar

from meshkit.clock import utc_now
from meshkit.errors import Conflict, NotFound
from services.transcode.scheduler import analysing, filing, starting
from services.transcode.scheduler.describing import Describing
from services.transcode.scheduler.domain import Job, JobState, worth_telling
from services.transcode.scheduler.jobs import fail
from services.transcode.scheduler.task import MAX_ATTEMPTS, OPTIONAL, Task, TaskKind, TaskState

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime
    from typing import Any

    from services.transcode.scheduler.file import File
    from services.transcode.scheduler.ports import Store, Transaction
    from services.transcode.scheduler.rendition import Rendition, Result

R = TypeVar("R")
_BACKOFF = timedelta(seconds=2)
_LONGEST_BACKOFF = timedelta(seconds=60)
_SEGMENTS_AT_ONCE = 1000
_ASK_SOON, _ASK_AGAIN = 0.1, 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    task: Task
    job: Job


@dataclass(frozen=True, slots=True, kw_only=True)
class NotNow:
    """`over`: nothing is queued; else ask again after `retry_after` seconds."""

    over: bool
    retry_after: float = 0.0


class Tasks:
    """`lease` is how long a claim lasts without a heartbeat."""

    def __init__(self, store: Store, lease: timedelta, now: Callable[[], datetime] = utc_now) -> None:
        self._store = store
        self._lease = lease
        self._now = now
        self._claiming = asyncio.Lock()
        self._describing = Describing()

    async def claim(self, worker_id: str, *, again: bool = False) -> Claim | NotNow:
        """The task whose turn it is, under a lease; `again`, what this worker was given without hearing of it."""
        now = self._now()
        if again and (held := await self._held(worker_id, now)):
            return held
        # One at a time: the others would only go for the same task.
        async with self._claiming:
            return await self._claim_likely(worker_id, now) or await self._claim(worker_id, now)

    async def _claim_likely(self, worker_id: str, now: datetime) -> Claim | None:
        """A claim that changes nothing but its task, as nearly all do."""
        async with self._store.at_once() as tx:
            turn = await tx.likely_turn(now)
            if turn is None or turn[1].state is JobState.QUEUED:
                return None
            claimed = turn[0].claim(worker_id, self._lease, now)
            return Claim(task=claimed, job=turn[1]) if await tx.take(claimed) else None

    async def _held(self, worker_id: str, now: datetime) -> Claim | None:
        async with self._store.transaction() as tx:
            if (held := await tx.held_by(worker_id)) is None:
                return None
            task = replace(held[0], lease_expire_time=now + self._lease)
            await tx.save_task(task)
            return Claim(task=task, job=held[1])

    async def _claim(self, worker_id: str, now: datetime) -> Claim | NotNow:
        async with self._store.transaction() as tx:
            while turn := await tx.turn(now):
                task, job = turn
                if job.state is JobState.QUEUED:
                    job = _found(await tx.job(job.id, lock=True))
                claimed = task.claim(worker_id, self._lease, now)
                if not await tx.take(claimed):
                    continue
                if job.state is JobState.QUEUED:
                    job = job.start(now)
                    await tx.save_job(job)
                    await tx.say(job, "started")
                return Claim(task=claimed, job=job)
            soonest = await tx.next_backoff()
        if soonest is None:
            return NotNow(over=True)
        return NotNow(over=False, retry_after=min(max((soonest - now).total_seconds(), _ASK_SOON), _ASK_AGAIN))

    async def beat(self, task_id: str, epoch: int, progress: float) -> datetime | None:
        """When the lease now ends; None if the task was cancelled. Raises Conflict (`stale_epoch`), NotFound."""
        now = self._now()
        async with self._store.at_once() as tx:
            beat = await tx.beat(task_id, epoch, progress, now + self._lease)
            if beat is None:
                task = _found(await tx.task(task_id))
                if task.state is TaskState.CANCELLED and task.epoch == epoch:
                    return None
                task.held(epoch)
        if beat and beat.kind is not TaskKind.PROBE and worth_telling(beat.told_time, now):
            await self._tell_progress(beat.job_id, now)
        return now + self._lease

    async def complete_probe(self, task_id: str, epoch: int, facts: Mapping[str, Any]) -> None:
        """The source is known: queue what is to be done with it. Idempotent. Raises Conflict (`stale_epoch`)."""
        now = self._now()
        async with self._store.transaction() as tx:
            task, job = _found(await tx.task_of_job(task_id))
            if _done(task, epoch):
                return
            await tx.save_task(task.succeed(epoch))
            source = await tx.source(job.tenant_id, job.asset_id)
            if source and source.sha256 and source.sha256 != facts.get("sha256"):
                await fail(tx, job, "checksum_mismatch", "the file is not the one whose sha256 was declared", now)
                return
            await starting.start(tx, job, facts, now)

    async def complete_encode(self, task_id: str, epoch: int, results: Sequence[Result]) -> None:
        """A chunk or the audio has landed. Idempotent. Raises Conflict (`stale_epoch`)."""
        now = self._now()
        async with self._store.transaction() as tx:
            task, job = _found(await tx.task_of_job(task_id))
            if _done(task, epoch):
                return
            done = task.succeed(epoch)
            try:
                await self._describing.describe(tx, job.id, results)
            except Conflict as mismatch:
                wrong = replace(task, error_code=mismatch.reason, error_message=mismatch.message)
                await self._give_up(tx, wrong, job)
                return
            job = job.task_done(done.weight, now)
            if job.encoded:
                await tx.release_held(job.id, now)
            if job.worth_telling_growth:
                job = job.told_growth()
                await tx.say_grown(job)
            await tx.land(done, job, [segment for result in results for segment in result.segments])

    async def complete_files(self, task_id: str, epoch: int, files: Sequence[File]) -> None:
        """Plain files have landed. Idempotent. Raises Conflict (`stale_epoch`)."""
        async with self._store.transaction() as tx:
            task, job = _found(await tx.task_of_job(task_id))
            if not _done(task, epoch):
                await tx.save_task(task.succeed(epoch))
                await filing.land(tx, task, job, files, self._now())

    async def complete_analysis(self, task_id: str, epoch: int, part_json: str) -> None:
        """A part of an analysis has landed. Idempotent. Raises Conflict (`stale_epoch`)."""
        async with self._store.transaction() as tx:
            task, job = _found(await tx.task_of_job(task_id))
            if not _done(task, epoch):
                await tx.save_task(task.succeed(epoch))
                await analysing.land(tx, task, job, part_json, self._now())

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
            if grown.progress > job.progress:
                await tx.save_job(grown.told(now))
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


def _done(task: Task, epoch: int) -> bool:
    """Whether this very claim already gave its result. Raises Conflict for a claim that no longer counts."""
    if task.state is TaskState.SUCCEEDED and task.epoch == epoch:
        return True
    task.held(epoch)
    return False


def _ended(task: Task, epoch: int) -> bool:
    """Whether this very claim has ended already, one way or another, and no other came after it."""
    return task.epoch == epoch and task.state is not TaskState.RUNNING


def _found(row: R | None) -> R:
    if row is None:
        raise NotFound("task_not_found", "no such task")
    return row
