"""How many jobs of a tenant go on at once, and how much of its media it has encoded."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from fractions import Fraction
from typing import TYPE_CHECKING

import pytest

from meshkit.errors import Exhausted
from meshkit.quotas import UNLIMITED
from services.transcode.scheduler.allowances import Allowances
from services.transcode.scheduler.domain import JobState
from services.transcode.scheduler.quotas import Limits
from services.transcode.scheduler.wish import Wish
from tests.fakes.transcode_rows import a_source, some_facts

if TYPE_CHECKING:
    from services.transcode.scheduler.domain import Job
    from tests.unit.transcode_scheduler.scheduled import Scheduler

SECONDS = 90
CALLED = Wish(callback_url="https://club.example/over")


@pytest.fixture
def allowances(scheduler: Scheduler) -> Allowances:
    """Two jobs at a time, and three minutes a month."""
    limits = Limits(concurrent_jobs=2, encode_minutes=3)
    scheduler.store.limits = limits
    return Allowances(scheduler.store, limits, scheduler.clock)


async def used(allowances: Allowances, tenant_id: str) -> tuple[float, float]:
    """Places, and minutes."""
    places, minutes = (await allowances.standing(tenant_id)).quotas
    return places.used, minutes.used


async def uploaded(scheduler: Scheduler, tenant_id: str) -> Job:
    return await scheduler.upload(source=a_source(tenant_id))


async def asked_for(scheduler: Scheduler, job: Job, request_id: str = "") -> Job:
    return await scheduler.jobs.create(job.tenant_id, job.asset_id, CALLED, request_id)


async def probed(scheduler: Scheduler, job: Job) -> Job:
    """Each of other bytes."""
    media = some_facts() | {"sha256": 2 * uuid.uuid4().hex}
    await scheduler.probe(job, media | {"duration": str(Fraction(SECONDS))})
    return scheduler.job(job)


async def test_what_is_asked_for_beyond_the_quota_is_refused(scheduler: Scheduler, allowances: Allowances) -> None:
    first = await scheduler.upload()
    second = await asked_for(scheduler, first, "again")
    with pytest.raises(Exhausted) as refused:
        await asked_for(scheduler, first)
    error = refused.value
    assert (error.reason, error.metadata["quota"]) == ("quota_exceeded", "concurrent_jobs")
    assert await asked_for(scheduler, first, "again") == second
    assert len(scheduler.store.jobs) == 2
    assert await used(allowances, first.tenant_id) == (2, 0)


async def test_what_follows_an_upload_waits_for_its_place(scheduler: Scheduler, allowances: Allowances) -> None:
    first = await scheduler.upload()
    jobs = [first, *[await uploaded(scheduler, first.tenant_id) for _ in range(3)]]
    assert [task.job_id for task in scheduler.queued()] == [job.id for job in jobs[:2]]
    await allowances.admit()
    assert len(scheduler.queued()) == 2
    await scheduler.jobs.cancel(first.tenant_id, jobs[2].id)
    await scheduler.jobs.cancel(first.tenant_id, first.id)
    await allowances.admit()
    await allowances.admit()
    assert [task.job_id for task in scheduler.queued()] == [jobs[0].id, jobs[1].id, jobs[3].id]
    assert await used(allowances, first.tenant_id) == (2, 0)


async def test_those_who_wait_begin_when_the_operator_gives_room(scheduler: Scheduler, allowances: Allowances) -> None:
    first = await scheduler.upload()
    for _ in range(5):
        await uploaded(scheduler, first.tenant_id)
    await allowances.change(first.tenant_id, {"max_concurrent_jobs": 3})
    await allowances.admit()
    assert len(scheduler.queued()) == 3
    await allowances.change(first.tenant_id, {"max_concurrent_jobs": UNLIMITED})
    await allowances.admit()
    assert len(scheduler.queued()) == 6


async def test_tenants_do_not_wait_for_each_other(scheduler: Scheduler, allowances: Allowances) -> None:
    first = await scheduler.upload()
    for _ in range(3):
        await uploaded(scheduler, first.tenant_id)
    other = await scheduler.upload()
    assert scheduler.queued()[-1].job_id == other.id


async def test_minutes_are_held_from_the_probe_on(scheduler: Scheduler, allowances: Allowances) -> None:
    job = await scheduler.upload()
    assert (await probed(scheduler, job)).state is JobState.RUNNING
    assert await used(allowances, job.tenant_id) == (1, 1.5)
    await scheduler.jobs.cancel(job.tenant_id, job.id)
    assert await used(allowances, job.tenant_id) == (0, 0)


async def test_success_spends_the_minutes(scheduler: Scheduler, allowances: Allowances) -> None:
    job = await scheduler.upload()
    tasks = await scheduler.probe(job)
    for task in tasks:
        await scheduler.encode(task)
    await scheduler.publishing.publish(job.id)
    assert scheduler.job(job).state is JobState.SUCCEEDED
    assert await used(allowances, job.tenant_id) == (0, 0.333)


async def test_a_job_that_costs_too_much_fails_with_the_reason(scheduler: Scheduler, allowances: Allowances) -> None:
    first = await scheduler.upload()
    await probed(scheduler, first)
    await probed(scheduler, await uploaded(scheduler, first.tenant_id))
    assert await used(allowances, first.tenant_id) == (2, 3)
    await allowances.change(first.tenant_id, {"max_concurrent_jobs": UNLIMITED})
    with pytest.raises(Exhausted) as refused:
        await asked_for(scheduler, first)
    assert refused.value.metadata["quota"] == "encode_minutes"
    late = await probed(scheduler, await uploaded(scheduler, first.tenant_id))
    assert (late.state, late.error_code) == (JobState.FAILED, "quota_exceeded")
    assert await used(allowances, first.tenant_id) == (2, 3)


async def test_a_month_begins_with_nothing(scheduler: Scheduler, allowances: Allowances) -> None:
    scheduler.clock.now = datetime(2026, 1, 31, 23, 59, 30, tzinfo=UTC)
    job = await scheduler.upload()
    await probed(scheduler, job)
    minutes = (await allowances.standing(job.tenant_id)).quotas[1]
    assert minutes.reset_time == datetime(2026, 2, 1, tzinfo=UTC)
    scheduler.wait(30)
    assert await used(allowances, job.tenant_id) == (1, 0)
    await scheduler.jobs.cancel(job.tenant_id, job.id)
    assert await used(allowances, job.tenant_id) == (0, 0)


async def test_a_job_that_begins_again_holds_again(scheduler: Scheduler, allowances: Allowances) -> None:
    jobs = [await scheduler.upload()]
    jobs += [await uploaded(scheduler, jobs[0].tenant_id) for _ in range(2)]
    await probed(scheduler, jobs[0])
    for job in (jobs[0], jobs[2]):
        await scheduler.jobs.cancel(job.tenant_id, job.id)
    assert await used(allowances, jobs[0].tenant_id) == (1, 0)
    await scheduler.jobs.retry(jobs[0].tenant_id, jobs[0].id)
    assert await used(allowances, jobs[0].tenant_id) == (2, 1.5)
    with pytest.raises(Exhausted):
        await scheduler.jobs.retry(jobs[2].tenant_id, jobs[2].id)
    await scheduler.jobs.cancel(jobs[1].tenant_id, jobs[1].id)
    await scheduler.jobs.retry(jobs[2].tenant_id, jobs[2].id)
    assert scheduler.queued()[-1].job_id == jobs[2].id
