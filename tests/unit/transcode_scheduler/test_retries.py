"""A failed or cancelled job begins again where it stopped."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

import pytest

from meshkit.errors import Conflict, NotFound
from meshkit.ids import new_id
from services.transcode.scheduler.domain import MAX_JOB_ATTEMPTS, RETRY_WITHIN, JobState
from services.transcode.scheduler.file import File
from services.transcode.scheduler.stages import stages
from services.transcode.scheduler.task import TaskKind, TaskState
from tests.fakes.transcode_rows import some_facts
from tests.unit.transcode_scheduler.scheduled import CONSUMER

if TYPE_CHECKING:
    from services.transcode.scheduler.domain import Job
    from tests.unit.transcode_scheduler.scheduled import Scheduler


async def retried(scheduler: Scheduler, job: Job) -> Job:
    return await scheduler.jobs.retry(job.tenant_id, job.id)


async def test_only_what_is_missing_is_done_again(scheduler: Scheduler) -> None:
    job, tasks = await scheduler.uploaded_and_probed()
    await scheduler.encode(tasks[0])
    await scheduler.encode(tasks[1])
    await scheduler.wear_out(tasks[2])
    queued_before = len(scheduler.store.enqueued)
    again = await retried(scheduler, job)
    assert (again.state, again.error_code, again.end_time) == (JobState.QUEUED, "", None)
    assert {task.id for task in scheduler.queued()[queued_before:]} == {task.id for task in tasks[2:]}
    for task in tasks[2:]:
        await scheduler.encode(task)
    await scheduler.publishing.publish(job.id)
    done = scheduler.job(job)
    assert (done.state, done.attempts, done.progress) == (JobState.SUCCEEDED, 2, 1.0)
    claims = {task.id: scheduler.task(task).epoch for task in tasks}
    assert [claims[task.id] for task in tasks] == [1, 1, 6, 1, 1]
    assert scheduler.facts()[-3:] == ["started", "playable", "succeeded"]


async def test_a_cancelled_job_goes_on_and_hides_what_it_showed(scheduler: Scheduler) -> None:
    job, tasks = await scheduler.uploaded_and_probed()
    for task in tasks[:2]:
        await scheduler.encode(task)
    await scheduler.publishing.publish(job.id)
    assert {output.state for output in scheduler.job(job).outputs} == {"preparing"}
    held = await scheduler.claim(tasks[2])
    cancelled = await scheduler.jobs.cancel(job.tenant_id, job.id)
    assert {output.state for output in cancelled.outputs} == {"errored"}
    again = await retried(scheduler, job)
    assert (again.playable, again.outputs, again.progress) == (False, (), cancelled.progress)
    # The worker of before has not heard of any of this yet.
    with pytest.raises(Conflict, match="stale_epoch"):
        await scheduler.tasks.beat(held.id, held.epoch, 0.5)
    await scheduler.encode(tasks[2])
    await scheduler.publishing.publish(job.id)
    assert scheduler.facts()[-2:] == ["started", "playable"]


async def test_a_failed_probe_is_done_again(scheduler: Scheduler) -> None:
    job = await scheduler.upload()
    [probe] = scheduler.queued()
    held = await scheduler.claim(probe)
    await scheduler.tasks.fail(held.id, held.epoch, "corrupt", "cut short", retryable=False)
    await retried(scheduler, job)
    held = await scheduler.claim(probe)
    assert (held.attempts, held.epoch, held.kind) == (1, 2, TaskKind.PROBE)
    assert stages(scheduler.job(job))[0].state == "running"


async def test_what_there_was_no_plan_for_is_probed_again(scheduler: Scheduler) -> None:
    job = await scheduler.upload()
    nothing = some_facts(video=None, audio=None, duration=Fraction(0))
    assert await scheduler.probe(job, nothing) == []
    again = await retried(scheduler, job)
    assert again.probe_time is None
    [probe] = [task for task in scheduler.store.tasks.values() if task.job_id == job.id]
    assert probe.state is TaskState.QUEUED


async def test_a_job_that_lacks_only_its_playlists_gets_them(scheduler: Scheduler) -> None:
    job, tasks = await scheduler.uploaded_and_probed()
    for task in tasks:
        await scheduler.encode(task)
    await scheduler.jobs.cancel(job.tenant_id, job.id)
    scheduler.store.grown.clear()
    assert (await retried(scheduler, job)).state is JobState.RUNNING
    assert scheduler.store.grown == [job.id]
    await scheduler.publishing.publish(job.id)
    assert scheduler.job(job).state is JobState.SUCCEEDED


async def test_files_are_kept_and_what_waits_for_the_stream_waits_on(scheduler: Scheduler) -> None:
    job, tasks = await scheduler.uploaded_and_probed()
    stills = await scheduler.besides(job, TaskKind.STILLS)
    last = await scheduler.besides(job, TaskKind.IMAGE, held=True)
    poster = File(kind="poster", name="poster.jpg", key=f"{job.object_prefix}files/x-1/poster.jpg", size=1)
    await scheduler.make(stills, poster)
    await scheduler.encode(tasks[0])
    cancelled = await scheduler.jobs.cancel(job.tenant_id, job.id)
    assert [output.state for output in cancelled.outputs] == ["errored"]
    again = await retried(scheduler, job)
    assert [(output.name, output.state) for output in again.outputs] == [("poster.jpg", "ready")]
    assert scheduler.task(last).state is TaskState.HELD
    for task in tasks[1:]:
        await scheduler.encode(task)
    assert scheduler.task(last).state is TaskState.QUEUED
    assert scheduler.task(stills).epoch == 1


async def test_attempts_are_bounded(scheduler: Scheduler) -> None:
    job, (task, *_) = await scheduler.uploaded_and_probed()
    for _ in range(MAX_JOB_ATTEMPTS - 1):
        await scheduler.wear_out(task)
        await retried(scheduler, job)
    await scheduler.wear_out(task)
    with pytest.raises(Conflict, match="attempts_exhausted"):
        await retried(scheduler, job)


async def test_only_what_failed_or_was_cancelled_is_retried(scheduler: Scheduler) -> None:
    job = await scheduler.upload()
    with pytest.raises(Conflict, match="job_queued"):
        await retried(scheduler, job)
    tasks = await scheduler.probe(job)
    with pytest.raises(Conflict, match="job_running"):
        await retried(scheduler, job)
    for task in tasks:
        await scheduler.encode(task)
    await scheduler.publishing.publish(job.id)
    with pytest.raises(Conflict, match="job_succeeded"):
        await retried(scheduler, job)
    with pytest.raises(NotFound, match="job_not_found"):
        await scheduler.jobs.retry(new_id(), job.id)


async def test_there_is_no_retry_of_what_is_gone(scheduler: Scheduler) -> None:
    deleted, old = await scheduler.upload(), await scheduler.upload()
    await scheduler.jobs.on_deleted(deleted.tenant_id, deleted.asset_id, CONSUMER, new_id())
    with pytest.raises(NotFound, match="asset_not_found"):
        await retried(scheduler, deleted)
    await scheduler.jobs.cancel(old.tenant_id, old.id)
    scheduler.wait(RETRY_WITHIN.total_seconds() + 1)
    with pytest.raises(Conflict, match="retry_too_late"):
        await retried(scheduler, old)
