"""Claims: each worker that asks gets the task whose turn it is, under a lease."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from meshkit.clock import utc_now
from meshkit.concurrent import Together
from services.transcode.scheduler.domain import Job, JobState

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime, timedelta

    from services.transcode.scheduler.ports import Store
    from services.transcode.scheduler.task import Task

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


class Claiming:
    """`lease` is how long a claim lasts without a heartbeat."""

    def __init__(self, store: Store, lease: timedelta, now: Callable[[], datetime] = utc_now) -> None:
        self._store = store
        self._lease = lease
        self._now = now
        self._claims: Together[str, Claim | NotNow] = Together(self._claim_all)

    async def __call__(self, worker_id: str, *, again: bool = False) -> Claim | NotNow:
        """The task whose turn it is; `again`, what this worker was given without hearing of it."""
        if again and (held := await self._held(worker_id, self._now())):
            return held
        return await self._claims(worker_id)

    async def _claim_all(self, workers: Sequence[str]) -> list[Claim | NotNow]:
        now = self._now()
        answers: list[Claim | NotNow] = [*await self._claim_likely(workers, now)]
        for worker_id in workers[len(answers) :]:
            # Where there was nothing for the one before there is nothing for this one.
            refused = answers and isinstance(answers[-1], NotNow)
            answers.append(answers[-1] if refused else await self._claim(worker_id, now))
        return answers

    async def _claim_likely(self, workers: Sequence[str], now: datetime) -> list[Claim]:
        """Claims that change nothing but their tasks, as nearly all do."""
        claims: list[Claim] = []
        async with self._store.signals() as signals:
            while rest := workers[len(claims) :]:
                claimed = await signals.claim(rest, now + self._lease, now)
                if not claimed:
                    break
                claims += [Claim(task=task, job=job) for task, job in claimed]
        return claims

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
                    job = await tx.job(job.id, lock=True) or job
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
