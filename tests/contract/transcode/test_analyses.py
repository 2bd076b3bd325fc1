"""The fake store and Postgres keep the same promises about analyses."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from services.transcode.scheduler.domain import Count, JobState
from services.transcode.scheduler.task import TaskKind, TaskState
from tests.contract.transcode.kept import job_of, stored, task_of
from tests.fakes.transcode_rows import NOW, a_job, a_task

if TYPE_CHECKING:
    from services.transcode.scheduler.ports import Store

LATER = NOW + timedelta(minutes=1)


async def test_parts_come_by_index_until_they_are_forgotten(store: Store) -> None:
    job, other = a_job(), a_job()
    for each in (job, other):
        await stored(store, each)
    async with store.transaction() as tx:
        for index in (2, 0, 1):
            await tx.add_part(job.id, index, f'{{"part": {index}}}')
        await tx.add_part(other.id, 0, "{}")
    async with store.transaction() as tx:
        assert await tx.parts(job.id) == ['{"part": 0}', '{"part": 1}', '{"part": 2}']
        await tx.forget_parts(job.id)
        assert await tx.parts(job.id) == []
        await tx.purge(other.tenant_id, other.asset_id)
        assert await tx.parts(other.id) == []


async def test_what_is_dropped_is_neither_done_nor_retried(store: Store) -> None:
    job = a_job(state=JobState.RUNNING, tasks_total=4)
    wanted = {"kind": TaskKind.ANALYSIS, "weight": 2.0}
    held, queued, done, other = (
        a_task(job, state=TaskState.HELD, **wanted),
        a_task(job, index=1, **wanted),
        a_task(job, index=2, state=TaskState.SUCCEEDED, **wanted),
        a_task(job),
    )
    await stored(store, job, held, queued, done, other)
    async with store.transaction() as tx:
        assert await tx.drop_tasks(job.id, TaskKind.ANALYSIS) == (2, 4.0)
        assert await tx.drop_tasks(job.id, TaskKind.ANALYSIS) == (0, 0)
        await tx.retry_tasks(job, NOW)
    states = [task.state for each in (held, queued, done, other) if (task := await task_of(store, each))]
    assert states == [TaskState.FAILED, TaskState.FAILED, TaskState.SUCCEEDED, TaskState.QUEUED]


@pytest.mark.parametrize(("done", "found"), [(2, False), (3, True)])
async def test_a_job_is_ready_to_be_told_without_its_analysis(store: Store, done: int, found: bool) -> None:
    analysis = {"analysis": Count(total=5)}
    job = a_job(
        state=JobState.RUNNING, probe_time=NOW, encode_time=NOW, tasks_total=8, tasks_done=done, beside=analysis
    )
    await stored(store, job)

    async def stuck() -> bool:
        async with store.transaction() as tx:
            return job.id in {each.id for each in await tx.unpublished(LATER, 1000)}

    assert await stuck() is found
    async with store.transaction() as tx:
        await tx.save_job(replace(job, ready_time=NOW))
    assert not await stuck()
    kept = await job_of(store, job)
    assert kept
    assert kept.ready_time == NOW
