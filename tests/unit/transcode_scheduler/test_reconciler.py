"""What fell between Postgres and the queue is found and put back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from meshkit.errors import Unavailable
from services.transcode.scheduler.claiming import Claim
from services.transcode.scheduler.domain import JobState
from services.transcode.scheduler.reconciler import PUBLISHED_WITHIN, SENT_WITHIN, Reconciler
from services.transcode.scheduler.task import TaskState
from tests.unit.transcode_scheduler.scheduled import LEASE

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

    from services.transcode.scheduler.ports import Store
    from tests.fakes.transcode import FakeStore
    from tests.unit.transcode_scheduler.scheduled import Scheduler


@dataclass
class Outage:
    """The store, once it is back."""

    store: FakeStore
    over: bool = False

    def transaction(self) -> AbstractAsyncContextManager[FakeStore]:
        if not self.over:
            raise Unavailable("database_unavailable")
        return self.store.transaction()

    at_once = signals = transaction


def reconciler(scheduler: Scheduler, store: Store) -> Reconciler:
    """One that has just begun."""
    return Reconciler(store, scheduler.queue, scheduler.tasks, scheduler.publishing, scheduler.clock, grace=LEASE)


A_WHILE = SENT_WITHIN.total_seconds() + 1


async def test_a_dead_workers_task_is_queued_again(scheduler: Scheduler) -> None:
    _, tasks = await scheduler.uploaded_and_probed()
    held = await scheduler.claim(tasks[0])
    scheduler.wait(LEASE.total_seconds() + 1)
    await scheduler.reconciler.run_once()
    assert scheduler.task(held).state is TaskState.QUEUED
    assert scheduler.store.enqueued.count(held.subject) == 2
    assert (await scheduler.claim(held)).epoch == 2


async def test_a_dead_workers_task_gets_a_message_even_while_others_are_there(scheduler: Scheduler) -> None:
    _, tasks = await scheduler.uploaded_and_probed()
    held = await scheduler.claim(tasks[0])
    scheduler.queue.messages = 3
    await scheduler.lose(held)
    assert scheduler.store.enqueued.count(held.subject) == 2


async def test_a_dead_workers_task_goes_before_new_ones(scheduler: Scheduler) -> None:
    _, tasks = await scheduler.uploaded_and_probed()
    held = await scheduler.claim(tasks[-1])
    await scheduler.lose(held)
    claim = await scheduler.tasks.claim("worker")
    assert isinstance(claim, Claim)
    assert claim.task.id == held.id


async def test_after_a_start_nobody_is_taken_for_dead_for_a_while(scheduler: Scheduler) -> None:
    _, tasks = await scheduler.uploaded_and_probed()
    held = await scheduler.claim(tasks[0])
    scheduler.wait(LEASE.total_seconds() + 1)
    restarted = reconciler(scheduler, scheduler.store)
    await restarted.run_once()
    assert scheduler.task(held) == held
    scheduler.wait(LEASE.total_seconds())
    await restarted.run_once()
    assert scheduler.task(held).state is TaskState.QUEUED


async def test_after_the_database_was_away_nobody_is_taken_for_dead_for_a_while(scheduler: Scheduler) -> None:
    _, tasks = await scheduler.uploaded_and_probed()
    database = Outage(scheduler.store)
    patient = reconciler(scheduler, database)
    scheduler.wait(LEASE.total_seconds())
    held = await scheduler.claim(tasks[0])
    scheduler.wait(LEASE.total_seconds() + 1)
    with pytest.raises(Unavailable):
        await patient.run_once()
    database.over = True
    await patient.run_once()
    assert scheduler.task(held) == held


async def test_a_queue_that_was_made_anew_is_filled_at_once(scheduler: Scheduler) -> None:
    await scheduler.upload()
    [probe] = scheduler.queued()
    scheduler.wait(1)
    scheduler.queue.made = scheduler.clock.now
    scheduler.wait(1)
    await scheduler.reconciler.run_once()
    assert scheduler.store.enqueued == [probe.subject, probe.subject]


async def test_a_live_workers_task_is_left_alone(scheduler: Scheduler) -> None:
    _, tasks = await scheduler.uploaded_and_probed()
    held = await scheduler.claim(tasks[0])
    scheduler.wait(LEASE.total_seconds() - 1)
    await scheduler.reconciler.run_once()
    assert scheduler.task(held) == held


async def test_a_queued_task_without_a_message_gets_one(scheduler: Scheduler) -> None:
    await scheduler.upload()
    [probe] = scheduler.queued()
    scheduler.wait(A_WHILE)
    await scheduler.reconciler.run_once()
    assert scheduler.store.enqueued == [probe.subject, probe.subject]
    await scheduler.reconciler.run_once()
    assert len(scheduler.store.enqueued) == 2


async def test_while_a_message_waits_for_a_worker_none_is_missed(scheduler: Scheduler) -> None:
    await scheduler.upload()
    [probe] = scheduler.queued()
    scheduler.queue.messages = 1
    scheduler.wait(A_WHILE)
    await scheduler.reconciler.run_once()
    assert scheduler.store.enqueued == [probe.subject]


async def test_a_message_on_its_way_is_not_looked_for(scheduler: Scheduler) -> None:
    await scheduler.upload()
    scheduler.wait(SENT_WITHIN.total_seconds() - 1)
    await scheduler.reconciler.run_once()
    assert len(scheduler.store.enqueued) == 1


async def test_a_stuck_publish_is_done(scheduler: Scheduler) -> None:
    job, tasks = await scheduler.uploaded_and_probed()
    for task in tasks:
        await scheduler.encode(task)
    await scheduler.reconciler.run_once()
    assert scheduler.job(job).state is JobState.RUNNING
    scheduler.wait(PUBLISHED_WITHIN.total_seconds() + 1)
    await scheduler.reconciler.run_once()
    assert scheduler.job(job).state is JobState.SUCCEEDED
    assert scheduler.facts().count("succeeded") == 1


async def test_nothing_is_done_for_tasks_that_are_over(scheduler: Scheduler) -> None:
    job, _ = await scheduler.uploaded_and_probed()
    before = len(scheduler.store.enqueued)
    await scheduler.jobs.cancel(job.tenant_id, job.id)
    scheduler.wait(A_WHILE)
    await scheduler.reconciler.run_once()
    assert len(scheduler.store.enqueued) == before
