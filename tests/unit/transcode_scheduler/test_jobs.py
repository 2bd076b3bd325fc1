"""How jobs begin and end from outside: uploads, requests, cancels and deleted assets."""

from __future__ import annotations

from dataclasses import replace

import pytest

from meshkit.errors import Conflict, InvalidArgument, NotFound
from meshkit.ids import new_id
from services.transcode.scheduler.claiming import NotNow
from services.transcode.scheduler.domain import DEFAULT_PRIORITY, JobState
from services.transcode.scheduler.task import TaskKind, TaskState
from services.transcode.scheduler.wish import NO_WISH, Wish
from tests.fakes.transcode_rows import a_source
from tests.unit.transcode_scheduler.scheduled import CONSUMER, Scheduler

CALLED = Wish(callback_url="https://club.example/over")
"""Who is to be called has a job of its own."""
HLS = Wish(preset="hls")


async def test_an_upload_becomes_a_job_and_a_probe(scheduler: Scheduler) -> None:
    job = await scheduler.upload()
    assert (job.state, job.preset, job.priority) == (JobState.QUEUED, "hls", DEFAULT_PRIORITY)
    [probe] = scheduler.queued()
    assert (probe.job_id, probe.kind) == (job.id, TaskKind.PROBE)
    assert scheduler.store.enqueued == [f"tasks.{probe.id}"]
    assert scheduler.facts() == ["queued"]


async def test_a_repeated_message_does_nothing(scheduler: Scheduler) -> None:
    source, upload_id, message_id = a_source(), new_id(), new_id()
    for _ in range(3):
        await scheduler.jobs.on_uploaded(source, upload_id, NO_WISH, CONSUMER, message_id)
    assert len(scheduler.store.jobs) == len(scheduler.store.enqueued) == 1


async def test_an_upload_that_is_told_twice_is_one_job(scheduler: Scheduler) -> None:
    source, upload_id = a_source(), new_id()
    for _ in range(2):
        await scheduler.jobs.on_uploaded(source, upload_id, NO_WISH, CONSUMER, new_id())
    assert len(scheduler.store.jobs) == len(scheduler.store.enqueued) == 1
    assert scheduler.facts() == ["queued"]


async def test_a_preset_that_nobody_knows_fails_the_job(scheduler: Scheduler) -> None:
    job = await scheduler.upload(preset="vhs")
    assert (job.state, job.error_code) == (JobState.FAILED, "unknown_preset")
    assert scheduler.facts() == ["queued", "failed"]
    assert not scheduler.store.enqueued


async def test_a_job_can_be_asked_for_over_an_asset_that_came_in(scheduler: Scheduler) -> None:
    source = a_source()
    first = await scheduler.upload(source=source)
    asked = await scheduler.jobs.create(source.tenant_id, source.asset_id, replace(CALLED, priority=10))
    assert asked.id != first.id
    assert (asked.priority, asked.source_key, asked.upload_id) == (10, source.object_key, None)
    assert len(scheduler.store.enqueued) == 2


async def test_a_job_may_come_last_of_all(scheduler: Scheduler) -> None:
    source = a_source()
    await scheduler.upload(source=source)
    asked = [
        await scheduler.jobs.create(source.tenant_id, source.asset_id, replace(CALLED, priority=priority))
        for priority in (0, None)
    ]
    assert [job.priority for job in asked] == [0, DEFAULT_PRIORITY]


async def test_the_same_request_id_is_the_same_job(scheduler: Scheduler) -> None:
    source = a_source()
    await scheduler.upload(source=source)
    made = [await scheduler.jobs.create(source.tenant_id, source.asset_id, CALLED, "once") for _ in range(2)]
    assert made[0].id == made[1].id
    assert len(scheduler.store.jobs) == 2


async def test_a_request_names_a_preset_and_an_asset_of_its_tenant(scheduler: Scheduler) -> None:
    source = a_source()
    await scheduler.upload(source=source)
    with pytest.raises(InvalidArgument, match="unknown_preset"):
        await scheduler.jobs.create(source.tenant_id, source.asset_id, Wish(preset="vhs"))
    for tenant, asset in ((new_id(), source.asset_id), (source.tenant_id, new_id())):
        with pytest.raises(NotFound, match="asset_not_found"):
            await scheduler.jobs.create(tenant, asset, Wish(preset="hls"))


async def test_a_cancelled_job_takes_its_tasks_with_it(scheduler: Scheduler) -> None:
    job, tasks = await scheduler.uploaded_and_probed()
    held = await scheduler.claim(tasks[0])
    await scheduler.encode(tasks[1])
    assert (await scheduler.jobs.cancel(job.tenant_id, job.id)).state is JobState.CANCELLED
    states = [scheduler.task(task).state for task in tasks]
    assert states == [TaskState.CANCELLED, TaskState.SUCCEEDED, *[TaskState.CANCELLED] * 3]
    assert await scheduler.tasks.beat(held.id, held.epoch, 0.5) is None
    assert await scheduler.tasks.claim("worker") == NotNow(over=True)
    assert scheduler.facts()[-1] == "cancelled"


async def test_cancelling_twice_is_the_same_as_once(scheduler: Scheduler) -> None:
    job = await scheduler.upload()
    first = await scheduler.jobs.cancel(job.tenant_id, job.id)
    assert await scheduler.jobs.cancel(job.tenant_id, job.id) == first
    assert scheduler.facts() == ["queued", "cancelled"]


async def test_a_job_that_is_over_cannot_be_cancelled(scheduler: Scheduler) -> None:
    job = await scheduler.upload(preset="vhs")
    with pytest.raises(Conflict, match="job_failed"):
        await scheduler.jobs.cancel(job.tenant_id, job.id)


async def test_a_deleted_asset_cancels_its_jobs(scheduler: Scheduler) -> None:
    source = a_source()
    job, other = await scheduler.upload(source=source), await scheduler.upload()
    message_id = new_id()
    for _ in range(2):
        await scheduler.jobs.on_deleted(source.tenant_id, source.asset_id, CONSUMER, message_id)
    assert scheduler.job(job).state is JobState.CANCELLED
    assert scheduler.job(other).state is JobState.QUEUED
    assert scheduler.facts().count("cancelled") == 1
    with pytest.raises(NotFound, match="asset_not_found"):
        await scheduler.jobs.create(source.tenant_id, source.asset_id, NO_WISH)


async def test_an_asset_deleted_before_its_upload_was_heard_of_gets_no_job(scheduler: Scheduler) -> None:
    source = a_source()
    await scheduler.jobs.on_deleted(source.tenant_id, source.asset_id, CONSUMER, new_id())
    await scheduler.jobs.on_uploaded(source, new_id(), NO_WISH, CONSUMER, new_id())
    assert not scheduler.store.jobs
    assert not scheduler.store.enqueued


async def test_a_restored_asset_can_be_worked_on_again(scheduler: Scheduler) -> None:
    source = a_source()
    first = await scheduler.upload(source=source)
    await scheduler.jobs.on_deleted(source.tenant_id, source.asset_id, CONSUMER, new_id())
    message_id = new_id()
    for unfinished in (True, True, False):
        await scheduler.jobs.on_restored(source, HLS, "restore:1", CONSUMER, message_id, unfinished=unfinished)
    [again] = [job for job in scheduler.store.jobs.values() if job.id != first.id]
    assert (again.state, again.asset_id, again.id > first.id) == (JobState.QUEUED, source.asset_id, True)
    await scheduler.jobs.on_restored(source, HLS, "restore:2", CONSUMER, new_id(), unfinished=False)
    assert len(scheduler.store.jobs) == 2
    await scheduler.jobs.create(source.tenant_id, source.asset_id, NO_WISH)


async def test_of_a_purged_asset_nothing_is_left(scheduler: Scheduler) -> None:
    job, tasks = await scheduler.uploaded_and_probed()
    held = await scheduler.encode(tasks[0])
    other = await scheduler.upload()
    for _ in range(2):
        await scheduler.jobs.on_purged(job.tenant_id, job.asset_id, CONSUMER, new_id())
    assert list(scheduler.store.jobs) == [other.id]
    assert list(scheduler.store.sources) == [other.asset_id]
    assert {task.job_id for task in scheduler.store.tasks.values()} == {other.id}
    with pytest.raises(NotFound, match="task_not_found"):
        await scheduler.tasks.beat(held.id, held.epoch, 0.5)


async def test_another_tenant_sees_nothing(scheduler: Scheduler) -> None:
    job = await scheduler.upload()
    for call in (scheduler.jobs.get, scheduler.jobs.cancel):
        with pytest.raises(NotFound, match="job_not_found"):
            await call(new_id(), job.id)
    page = await scheduler.jobs.page(new_id(), state=None, asset_id="", page_size=10, page_token="")
    assert page == ([], "")


async def test_pages_are_newest_first_and_whole(scheduler: Scheduler) -> None:
    source = a_source()
    made = [(await scheduler.upload(source=source)).id]
    made += [(await scheduler.jobs.create(source.tenant_id, source.asset_id, CALLED)).id for _ in range(4)]

    async def page(token: str) -> tuple[list[str], str]:
        rows, after = await scheduler.jobs.page(
            source.tenant_id, state=JobState.QUEUED, asset_id=source.asset_id, page_size=3, page_token=token
        )
        return [job.id for job in rows], after

    first, token = await page("")
    second, end = await page(token)
    assert [*first, *second] == sorted(made, reverse=True)
    assert end == ""
