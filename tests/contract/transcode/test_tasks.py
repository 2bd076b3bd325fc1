"""The fake store and Postgres keep the same promises about tasks."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from meshkit.ids import new_id
from services.transcode.scheduler.ports import Beat, Sign
from services.transcode.scheduler.task import TaskKind, TaskState
from tests.contract.transcode.kept import stored, task_of
from tests.fakes.transcode_rows import NOW, a_job, a_task

if TYPE_CHECKING:
    from services.transcode.scheduler.ports import Store

SOON = NOW + timedelta(seconds=30)


async def test_gives_back_the_tasks_that_it_was_given(store: Store) -> None:
    job = a_job()
    tasks = [a_task(job, kind=kind, index=index) for index, kind in enumerate(TaskKind)]
    await stored(store, job, *tasks)
    for task in tasks:
        assert await task_of(store, task) == task
        async with store.transaction() as tx:
            assert await tx.task_of_job(task.id) == (task, job)
            assert await tx.tasks_of_jobs([new_id(), task.id]) == [(task, job)]
    async with store.transaction() as tx:
        assert await tx.task(new_id()) is None
        assert await tx.task_of_job(new_id()) is None


async def test_keeps_every_new_state_of_a_task(store: Store) -> None:
    job = a_job()
    task = a_task(job)
    await stored(store, job, task)
    claimed = task.claim("worker", timedelta(seconds=30), NOW)
    tried = claimed.retry(1, "encode_failed", "killed", timedelta(seconds=2), SOON)
    for after in (claimed, tried, claimed.release(1), claimed.expire(), claimed.fail(1, "a", "b")):
        async with store.transaction() as tx:
            await tx.save_task(after)
        assert await task_of(store, task) == after


async def test_a_heartbeat_reaches_the_claim_that_runs(store: Store) -> None:
    job = a_job(progress_time=SOON)
    task = a_task(job, state=TaskState.RUNNING, epoch=2, progress=0.5, lease_expire_time=NOW)
    queued = a_task(job, epoch=2)
    await stored(store, job, task, queued)
    async with store.signals() as signals:
        stale = [
            Sign(task_id=task_id, epoch=epoch, progress=0.9)
            for task_id, epoch in ((task.id, 1), (task.id, 3), (queued.id, 2), (new_id(), 2))
        ]
        assert await signals.beat(stale, SOON) == {}
        for progress in (0.75, 0.25):
            met = await signals.beat([*stale, Sign(task_id=task.id, epoch=2, progress=progress)], SOON)
            assert met == {(task.id, 2): Beat(job_id=job.id, kind=task.kind, told_time=SOON)}
    assert await task_of(store, task) == replace(task, progress=0.75, lease_expire_time=SOON)


async def test_a_message_made_anew_counts_from_then(store: Store) -> None:
    job = a_job()
    task, other = a_task(job), a_task(job)
    await stored(store, job, task, other)
    async with store.transaction() as tx:
        await tx.enqueue([task], SOON)
        await tx.enqueue([], SOON)
    assert await task_of(store, task) == replace(task, queue_time=SOON)
    assert await task_of(store, other) == other


async def test_cancels_what_is_not_over(store: Store) -> None:
    job, other = a_job(), a_job()
    tasks = {state: a_task(job, state=state, lease_expire_time=SOON) for state in TaskState}
    foreign = a_task(other)
    await stored(store, job, *tasks.values())
    await stored(store, other, foreign)
    async with store.transaction() as tx:
        await tx.cancel_tasks(job.id)
    for state in (TaskState.QUEUED, TaskState.RUNNING):
        kept = await task_of(store, tasks[state])
        assert kept == replace(tasks[state], state=TaskState.CANCELLED, lease_expire_time=None)
    for state in (TaskState.SUCCEEDED, TaskState.FAILED, TaskState.HELD):
        assert await task_of(store, tasks[state]) == tasks[state]
    assert await task_of(store, foreign) == foreign


async def test_retries_what_failed_or_was_cancelled(store: Store) -> None:
    job = a_job(tasks_total=4)
    states = (TaskState.SUCCEEDED, TaskState.FAILED, TaskState.CANCELLED, TaskState.HELD, TaskState.FAILED)
    tasks = [
        a_task(job, index=index, state=state, attempts=5, epoch=7, progress=0.5, error_code="encode_failed")
        for index, state in enumerate(states)
    ]
    tasks[4] = replace(tasks[4], kind=TaskKind.STILLS)
    other = a_task(a_job(), state=TaskState.FAILED)
    await stored(store, job, *tasks)
    async with store.transaction() as tx:
        await tx.retry_tasks(job, SOON)
    for task in (tasks[0], *tasks[3:]):
        assert await task_of(store, task) == task
    for task in tasks[1:3]:
        again = await task_of(store, task)
        assert again is not None
        assert (again.state, again.attempts, again.epoch, again.progress) == (TaskState.QUEUED, 0, 7, 0.0)
        assert (again.error_code, again.queue_time) == ("", SOON)
    assert await task_of(store, other) is None


async def test_of_a_job_without_a_plan_the_probe_is_retried(store: Store) -> None:
    job = a_job()
    probe = a_task(job, kind=TaskKind.PROBE, state=TaskState.SUCCEEDED)
    await stored(store, job, probe)
    async with store.transaction() as tx:
        await tx.retry_tasks(job, SOON)
    again = await task_of(store, probe)
    assert again is not None
    assert again.state is TaskState.QUEUED


async def test_running_weight_is_what_is_done_of_the_tasks_that_run(store: Store) -> None:
    job = a_job()
    running = {"state": TaskState.RUNNING, "progress": 0.5}
    done = a_task(job, state=TaskState.SUCCEEDED, progress=1.0)
    async with store.transaction() as tx:
        await tx.add_job(job, "")
        assert await tx.running_weight(job.id) == 0.0
        await tx.add_tasks([a_task(job, weight=120.0, **running), a_task(job, weight=20.0, **running), done])
        assert await tx.running_weight(job.id) == 70.0


async def test_held_tasks_wait_for_their_release(store: Store) -> None:
    job, other = a_job(), a_job()
    held = a_task(job, state=TaskState.HELD)
    others = a_task(other, state=TaskState.HELD)
    async with store.transaction() as tx:
        for each in (job, other):
            await tx.add_job(each, "")
        await tx.add_tasks([held])
        await tx.add_tasks([others])
        assert await tx.task(held.id) == held
        await tx.release_held(job.id, SOON)
        assert await tx.task(held.id) == replace(held, state=TaskState.QUEUED, queue_time=SOON)
        await tx.release_held(job.id, NOW)
        for each in (job, other):
            await tx.cancel_tasks(each.id)
        assert await tx.task(others.id) == others


async def test_only_running_tasks_expire(store: Store) -> None:
    # Years of their own keep the other tests' rows out of sight.
    then = datetime(2001, 1, 1, tzinfo=UTC)
    job = a_job()
    expired, live, over = (
        a_task(job, state=state, lease_expire_time=then + timedelta(days=days))
        for state, days in ((TaskState.RUNNING, 0), (TaskState.RUNNING, 2), (TaskState.FAILED, 0))
    )
    await stored(store, job, expired, live, over)
    async with store.transaction() as tx:
        assert await tx.expired(then + timedelta(days=1), 10) == [expired]
        assert await tx.expired(then + timedelta(days=3), 1) != []
        await tx.cancel_tasks(job.id)


async def test_waiting_tasks_come_oldest_first(store: Store) -> None:
    then = datetime(2002, 1, 1, tzinfo=UTC)
    job = a_job()
    late, early, running, later = (
        a_task(job, state=state, queue_time=then + timedelta(days=days))
        for state, days in (
            (TaskState.QUEUED, 1),
            (TaskState.QUEUED, 0),
            (TaskState.RUNNING, 0),
            (TaskState.QUEUED, 5),
        )
    )
    await stored(store, job, late, early, running, later)
    async with store.transaction() as tx:
        assert await tx.waiting(then + timedelta(days=2), 10) == [early, late]
        assert await tx.waiting(then + timedelta(days=2), 1) == [early]
        await tx.cancel_tasks(job.id)
