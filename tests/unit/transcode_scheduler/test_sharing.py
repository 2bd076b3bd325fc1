"""The same bytes and the same recipe are encoded once in a tenant."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from meshkit.ids import new_id
from services.transcode.scheduler.domain import JobState
from services.transcode.scheduler.file import File
from services.transcode.scheduler.task import ENCODES, TaskKind
from services.transcode.scheduler.wish import Wish
from tests.fakes.transcode_rows import a_source, some_facts
from tests.unit.transcode_scheduler.scheduled import CONSUMER

if TYPE_CHECKING:
    from services.transcode.scheduler.domain import Job
    from services.transcode.scheduler.task import Task
    from tests.unit.transcode_scheduler.scheduled import Scheduler

SHA256 = "ab" * 32
HLS = Wish(preset="hls")
FACTS = some_facts() | {"sha256": SHA256}


@pytest.fixture
def tenant() -> str:
    return new_id()


async def brought_in(scheduler: Scheduler, tenant: str) -> tuple[Job, list[Task]]:
    """An asset of the same bytes, probed."""
    job = await scheduler.upload(source=a_source(tenant))
    tasks = await scheduler.probe(job, FACTS)
    return scheduler.job(job), tasks


async def made(scheduler: Scheduler, job: Job, tasks: list[Task]) -> Job:
    """Encoded and published; its objects are there."""
    for task in tasks:
        await (scheduler.encode(task) if task.kind in ENCODES else scheduler.make(task))
    async with scheduler.store.transaction() as tx:
        scheduler.outputs.keys |= {each.key for each in await tx.segments(job.id)}
        scheduler.outputs.keys |= {each.init_key for each in await tx.renditions(job.id)}
        scheduler.outputs.keys |= {each.key for each in await tx.files(job.id)}
    await scheduler.publishing.publish(job.id)
    assert scheduler.job(job).state is JobState.SUCCEEDED
    return scheduler.job(job)


def own_tasks(scheduler: Scheduler, job: Job) -> list[Task]:
    found = (task for task in scheduler.store.tasks.values() if task.job_id == job.id)
    return [task for task in found if task.kind is not TaskKind.PROBE]


async def settled(scheduler: Scheduler, job: Job) -> Job:
    await scheduler.sharing.run_once()
    if job.id in scheduler.store.grown:
        await scheduler.publishing.publish(job.id)
    return scheduler.job(job)


async def test_what_was_made_is_taken_over(scheduler: Scheduler, tenant: str) -> None:
    first, tasks = await brought_in(scheduler, tenant)
    stills = await scheduler.besides(first, TaskKind.STILLS)
    key = f"{first.object_prefix}files/{stills.id}-1/poster.jpg"
    await scheduler.make(stills, File(kind="poster", name="poster.jpg", key=key, size=9))
    first = await made(scheduler, first, tasks)
    second, nothing = await brought_in(scheduler, tenant)
    assert (nothing, second.state, second.progress < 1, scheduler.facts()[-1]) == ([], JobState.RUNNING, True, "probed")
    second = await settled(scheduler, second)
    assert (second.state, second.progress, second.playable) == (JobState.SUCCEEDED, 1.0, True)
    assert scheduler.facts()[-2:] == ["playable", "succeeded"]
    shown = [(each.kind, each.name, each.size) for each in second.outputs]
    assert sorted(shown) == sorted((each.kind, each.name, each.size) for each in first.outputs)
    assert all(each.object_key.startswith(second.object_prefix) for each in second.outputs)
    assert not {each.id for each in second.outputs} & {each.id for each in first.outputs}
    async with scheduler.store.transaction() as tx:
        segments = await tx.segments(second.id)
        assert {each.key for each in segments} <= scheduler.outputs.keys
    # Nothing of it is left over, and it needs nothing of the other.
    await scheduler.collecting.collect(second.id)
    scheduler.outputs.keys = {each for each in scheduler.outputs.keys if not each.startswith(first.object_prefix)}
    assert {each.key for each in segments} <= scheduler.outputs.keys


async def test_of_jobs_at_the_same_time_one_encodes(scheduler: Scheduler, tenant: str) -> None:
    jobs = [await brought_in(scheduler, tenant) for _ in range(3)]
    (first, tasks), *others = jobs
    assert tasks
    assert [tasks for _, tasks in others] == [[], []]
    scheduler.wait(1)
    await scheduler.encode(tasks[0])
    await scheduler.sharing.run_once()
    assert {scheduler.job(job).progress for job, _ in jobs} == {scheduler.job(first).progress}
    await made(scheduler, first, tasks[1:])
    for job, _ in others:
        await settled(scheduler, job)
    assert {scheduler.job(job).state for job, _ in jobs} == {JobState.SUCCEEDED}
    assert {task.job_id for task in scheduler.store.tasks.values() if task.kind is not TaskKind.PROBE} == {first.id}


async def test_who_waits_goes_on_where_the_other_ends(scheduler: Scheduler, tenant: str) -> None:
    first, _ = await brought_in(scheduler, tenant)
    second, _ = await brought_in(scheduler, tenant)
    third, _ = await brought_in(scheduler, tenant)
    await scheduler.jobs.on_deleted(first.tenant_id, first.asset_id, CONSUMER, new_id())
    await scheduler.jobs.on_purged(first.tenant_id, first.asset_id, CONSUMER, new_id())
    await scheduler.sharing.run_once()
    queued = own_tasks(scheduler, second)
    assert queued
    assert scheduler.job(third).same_as == second.id
    await made(scheduler, second, queued)
    assert (await settled(scheduler, third)).state is JobState.SUCCEEDED


async def test_what_is_no_longer_there_is_made_again(scheduler: Scheduler, tenant: str) -> None:
    first, tasks = await brought_in(scheduler, tenant)
    await made(scheduler, first, tasks)
    scheduler.outputs.keys.clear()
    second, _ = await brought_in(scheduler, tenant)
    await scheduler.sharing.run_once()
    queued = own_tasks(scheduler, second)
    assert {task.kind for task in queued} >= {task.kind for task in tasks}
    await made(scheduler, second, queued)


async def test_who_waits_can_be_cancelled_and_begun_again(scheduler: Scheduler, tenant: str) -> None:
    first, tasks = await brought_in(scheduler, tenant)
    second, _ = await brought_in(scheduler, tenant)
    await scheduler.jobs.cancel(tenant, second.id)
    await made(scheduler, first, tasks)
    await scheduler.sharing.run_once()
    assert scheduler.job(second).state is JobState.CANCELLED
    assert (await scheduler.jobs.retry(tenant, second.id)).state is JobState.QUEUED
    [probe] = [task for task in scheduler.store.tasks.values() if task.job_id == second.id]
    held = await scheduler.claim(probe)
    await scheduler.tasks.complete_probe(held.id, held.epoch, FACTS)
    assert (await settled(scheduler, second)).state is JobState.SUCCEEDED


async def test_others_bytes_recipes_and_tenants_are_others(scheduler: Scheduler, tenant: str) -> None:
    first, tasks = await brought_in(scheduler, tenant)
    await made(scheduler, first, tasks)
    assert (await brought_in(scheduler, new_id()))[1]
    other = await scheduler.upload(source=a_source(tenant))
    assert await scheduler.probe(other, FACTS | {"sha256": "cd" * 32})


async def test_the_same_of_the_same_asset_is_the_same_job(scheduler: Scheduler, tenant: str) -> None:
    source = a_source(tenant)
    first = await scheduler.upload(source=source)
    asked = await asyncio.gather(*(scheduler.jobs.create(tenant, source.asset_id, HLS) for _ in range(3)))
    assert {job.id for job in asked} == {first.id}
    await scheduler.jobs.cancel(tenant, first.id)
    again = await asyncio.gather(*(scheduler.jobs.create(tenant, source.asset_id, HLS) for _ in range(3)))
    assert len({job.id for job in again}) == 1
    assert again[0].id != first.id
