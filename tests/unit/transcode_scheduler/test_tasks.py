"""Leases: one worker at a time, only the newest claim counts, and no attempt without an end."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from meshkit.errors import Conflict, NotFound
from meshkit.ids import new_id
from services.transcode.scheduler.claiming import Claim, NotNow
from services.transcode.scheduler.domain import JobState
from services.transcode.scheduler.task import MAX_ATTEMPTS, TaskKind, TaskState
from tests.fakes.transcode_rows import a_source, results_of, some_facts
from tests.unit.transcode_scheduler.scheduled import LEASE, Scheduler

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from services.transcode.scheduler.task import Task


def late_words(scheduler: Scheduler, held: Task) -> list[Awaitable[object]]:
    """Everything that the worker of that claim may still say."""
    tasks = scheduler.tasks
    return [
        tasks.beat(held.id, held.epoch, 0.9),
        tasks.complete_encode(held.id, held.epoch, results_of(held)),
        tasks.fail(held.id, held.epoch, "encode_failed", "late", retryable=True),
        tasks.fail(held.id, held.epoch, "corrupt", "late", retryable=False),
        tasks.release(held.id, held.epoch),
    ]


async def test_a_claim_starts_the_job_and_gives_a_lease(scheduler: Scheduler) -> None:
    job = await scheduler.upload()
    [probe] = scheduler.queued()
    held = await scheduler.claim(probe)
    assert (held.epoch, held.attempts, held.worker_id) == (1, 1, "worker")
    assert held.lease_expire_time == scheduler.clock.now + LEASE
    started = scheduler.job(job)
    assert (started.state, started.attempts, started.start_time) == (JobState.RUNNING, 1, scheduler.clock.now)
    assert scheduler.facts() == ["queued", "started"]


async def test_a_job_starts_once(scheduler: Scheduler) -> None:
    job, tasks = await scheduler.uploaded_and_probed()
    await scheduler.claim(tasks[0])
    await scheduler.claim(tasks[1])
    assert scheduler.facts().count("started") == 1
    assert scheduler.job(job).attempts == 1


async def test_a_task_that_is_held_is_nobody_elses(scheduler: Scheduler) -> None:
    job = await scheduler.upload()
    await scheduler.claim(scheduler.queued()[0])
    assert await scheduler.tasks.claim("another") == NotNow(over=True)
    assert scheduler.job(job).attempts == 1


async def test_nobody_speaks_of_a_task_that_nobody_knows(scheduler: Scheduler) -> None:
    with pytest.raises(NotFound, match="task_not_found"):
        await scheduler.tasks.beat(new_id(), 1, 0.5)


async def test_a_claim_that_was_not_heard_of_is_given_again(scheduler: Scheduler) -> None:
    _, tasks = await scheduler.uploaded_and_probed()
    lost = await scheduler.claim(tasks[0])
    scheduler.wait(1)
    claim = await scheduler.tasks.claim("worker", again=True)
    assert isinstance(claim, Claim)
    assert claim.task == replace(lost, lease_expire_time=scheduler.clock.now + LEASE)
    await scheduler.tasks.complete_encode(lost.id, lost.epoch, results_of(lost))
    for worker in ("worker", "another"):
        claim = await scheduler.tasks.claim(worker, again=True)
        assert isinstance(claim, Claim)
        assert (claim.task.id != lost.id, claim.task.epoch) == (True, 1)


@pytest.mark.parametrize("word", range(5))
async def test_after_a_new_claim_the_old_one_changes_nothing(scheduler: Scheduler, word: int) -> None:
    _, tasks = await scheduler.uploaded_and_probed()
    old = await scheduler.claim(tasks[0])
    await scheduler.lose(old)
    new = await scheduler.claim(tasks[0])
    assert new.epoch == old.epoch + 1
    before = dict(scheduler.store.jobs), dict(scheduler.store.tasks), dict(scheduler.store.landed)
    words = late_words(scheduler, old)
    with pytest.raises(Conflict, match="stale_epoch"):
        await words.pop(word)
    assert (scheduler.store.jobs, scheduler.store.tasks, scheduler.store.landed) == before
    for unsaid in words:
        unsaid.close()  # type: ignore[attr-defined]  # every one is a coroutine


async def test_a_heartbeat_extends_the_lease(scheduler: Scheduler) -> None:
    _, tasks = await scheduler.uploaded_and_probed()
    held = await scheduler.claim(tasks[0])
    for _ in range(5):
        scheduler.wait(LEASE.total_seconds() - 1)
        await scheduler.tasks.beat(held.id, held.epoch, 0.1)
    assert scheduler.task(held).lease_expire_time == scheduler.clock.now + LEASE


async def test_a_late_heartbeat_still_counts_while_nobody_else_has_the_task(scheduler: Scheduler) -> None:
    _, tasks = await scheduler.uploaded_and_probed()
    held = await scheduler.claim(tasks[0])
    scheduler.wait(2 * LEASE.total_seconds())
    assert await scheduler.tasks.beat(held.id, held.epoch, 0.5) == scheduler.clock.now + LEASE


async def test_the_same_claim_may_complete_twice(scheduler: Scheduler) -> None:
    job, tasks = await scheduler.uploaded_and_probed()
    held = await scheduler.encode(tasks[0])
    once = scheduler.job(job)
    await scheduler.tasks.complete_encode(held.id, held.epoch, results_of(held))
    assert scheduler.job(job) == once
    assert scheduler.store.grown == [job.id]


async def test_the_same_probe_may_complete_twice(scheduler: Scheduler) -> None:
    job, tasks = await scheduler.uploaded_and_probed()
    probe = scheduler.queued()[0]
    await scheduler.tasks.complete_probe(probe.id, probe.epoch, {})
    assert [task for task in scheduler.queued() if task.kind is not TaskKind.STILLS] == [probe, *tasks]
    assert scheduler.facts() == ["queued", "started", "probed"]
    assert scheduler.job(job).encoding.total == len(tasks)


async def test_a_failure_is_tried_again_after_a_while(scheduler: Scheduler) -> None:
    job, tasks = await scheduler.uploaded_and_probed()
    held = await scheduler.claim(tasks[0])
    await scheduler.tasks.fail(held.id, held.epoch, "encode_failed", "the disk is full", retryable=True)
    failed = scheduler.task(held)
    assert (failed.state, failed.error_code) == (TaskState.QUEUED, "encode_failed")
    assert failed.not_before is not None
    assert failed.not_before > scheduler.clock.now
    for other in tasks[1:]:
        await scheduler.encode(other)
    refused = await scheduler.tasks.claim("worker")
    assert isinstance(refused, NotNow)
    assert not refused.over
    assert 0.0 < refused.retry_after <= 5.0
    scheduler.clock.now = failed.not_before
    assert (await scheduler.claim(held)).attempts == 2
    assert scheduler.job(job).state is JobState.RUNNING


async def test_failures_are_bounded(scheduler: Scheduler) -> None:
    job, tasks = await scheduler.uploaded_and_probed()
    await scheduler.wear_out(tasks[0], "objects_unavailable")
    failed = scheduler.job(job)
    assert (failed.state, failed.error_code) == (JobState.FAILED, "objects_unavailable")
    assert scheduler.task(tasks[0]).attempts == MAX_ATTEMPTS
    assert {scheduler.task(task).state for task in tasks[1:]} == {TaskState.CANCELLED}
    assert scheduler.facts().count("failed") == 1


async def test_workers_that_die_silently_are_bounded_too(scheduler: Scheduler) -> None:
    job, tasks = await scheduler.uploaded_and_probed()
    for _ in range(MAX_ATTEMPTS):
        await scheduler.lose(await scheduler.claim(tasks[0]))
    assert await scheduler.tasks.claim("worker") == NotNow(over=True)
    assert (scheduler.job(job).state, scheduler.job(job).error_code) == (JobState.FAILED, "encode_failed")
    assert scheduler.task(tasks[0]).state is TaskState.FAILED


async def test_bad_media_fails_the_job_at_once(scheduler: Scheduler) -> None:
    job, tasks = await scheduler.uploaded_and_probed()
    held, other = await scheduler.claim(tasks[0]), await scheduler.claim(tasks[1])
    await scheduler.tasks.fail(held.id, held.epoch, "corrupt", "most of it cannot be decoded", retryable=False)
    failed = scheduler.job(job)
    assert (failed.state, failed.error_code) == (JobState.FAILED, "corrupt")
    assert failed.error_message == "most of it cannot be decoded"
    assert scheduler.task(held).state is TaskState.FAILED
    assert {scheduler.task(task).state for task in tasks[1:]} == {TaskState.CANCELLED}
    assert await scheduler.tasks.beat(other.id, other.epoch, 0.5) is None


@pytest.mark.parametrize("retryable", [True, False])
async def test_the_same_claim_may_fail_twice(scheduler: Scheduler, retryable: bool) -> None:
    _, tasks = await scheduler.uploaded_and_probed()
    held = await scheduler.claim(tasks[0])
    await scheduler.tasks.fail(held.id, held.epoch, "corrupt", "", retryable=retryable)
    once = scheduler.task(held)
    await scheduler.tasks.fail(held.id, held.epoch, "corrupt", "", retryable=retryable)
    assert scheduler.task(held) == once


async def test_a_task_handed_back_is_free_and_cost_no_attempt(scheduler: Scheduler) -> None:
    _, tasks = await scheduler.uploaded_and_probed()
    for epoch in range(1, MAX_ATTEMPTS + 3):
        held = await scheduler.claim(tasks[0])
        assert (held.epoch, held.attempts) == (epoch, 1)
        await scheduler.tasks.release(held.id, held.epoch)
        # As when the answer to the first call was lost.
        await scheduler.tasks.release(held.id, held.epoch)
        assert (scheduler.task(held).state, scheduler.task(held).attempts) == (TaskState.QUEUED, 0)


async def test_a_probe_plans_the_encode_lowest_latency_first(scheduler: Scheduler) -> None:
    job, tasks = await scheduler.uploaded_and_probed()
    shape = [(task.kind, task.index) for task in sorted(tasks, key=lambda task: task.due_time)]
    assert shape == [
        (TaskKind.ENCODE_VIDEO, 0),
        (TaskKind.ENCODE_AUDIO, 0),
        (TaskKind.ENCODE_VIDEO, 1),
        (TaskKind.ENCODE_VIDEO, 2),
        (TaskKind.ENCODE_VIDEO, 3),
    ]
    assert tasks[0].subject == f"tasks.{tasks[0].id}"
    assert [each.name for each in await scheduler.store.renditions(job.id)] == [
        *("v1080", "v720", "v480", "v360"),
        "audio",
    ]
    assert scheduler.job(job).facts is not None


async def test_a_source_that_is_not_what_was_declared_fails_the_job(scheduler: Scheduler) -> None:
    facts = some_facts() | {"sha256": "1" * 64}
    for declared, code in (("1" * 64, ""), ("0" * 64, "checksum_mismatch")):
        job = await scheduler.upload(source=replace(a_source(), sha256=declared))
        tasks = await scheduler.probe(job, facts)
        assert scheduler.job(job).error_code == code
        assert bool(tasks) is not bool(code)
