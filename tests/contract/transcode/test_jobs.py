"""The fake store and Postgres keep the same promises about jobs."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from meshkit.ids import new_id
from services.transcode.scheduler.domain import JobState
from services.transcode.scheduler.output import Output
from tests.contract.transcode.kept import job_of, stored, task_of
from tests.fakes.transcode_rows import NOW, a_job, a_task, some_facts

if TYPE_CHECKING:
    from services.transcode.scheduler.ports import Store

SOON = NOW + timedelta(seconds=30)


async def test_sees_a_message_for_the_first_time_once(store: Store) -> None:
    message_id = new_id()
    async with store.transaction() as tx:
        assert await tx.first_time("one", message_id)
        assert not await tx.first_time("one", message_id)
    async with store.transaction() as tx:
        assert not await tx.first_time("one", message_id)
        assert await tx.first_time("another", message_id)


async def test_gives_back_the_job_that_it_was_given(store: Store) -> None:
    job = a_job(upload_id=new_id(), facts=some_facts(), priority=10)
    async with store.transaction() as tx:
        assert await tx.add_job(job, "") == job
    async with store.transaction() as tx:
        assert await tx.job(job.id, lock=True) == job
        assert await tx.job(new_id()) is None


async def test_a_job_that_comes_again_under_its_id_is_the_first(store: Store) -> None:
    first = a_job(upload_id=new_id())
    again = replace(first, priority=first.priority + 1)
    async with store.transaction() as tx:
        assert await tx.add_job(first, "upload") is first
    async with store.transaction() as tx:
        assert await tx.add_job(again, "upload") == first


async def test_keeps_every_new_state_of_a_job(store: Store) -> None:
    job = a_job()
    output = Output(id=new_id(), kind="hls", name="master.m3u8", state="ready", object_key="a/b", duration=2.5)
    started = job.start(SOON)
    probed = started.probed(some_facts(), [120.0, 1.5], SOON)
    done = probed.task_done(120.0, SOON).task_done(1.5, SOON).told(SOON)
    playable = done.became_playable(SOON).made([output])
    ends = (playable.succeed(SOON), done.fail("corrupt", "it is", SOON), done.cancel(SOON))
    await stored(store, job)
    for after in (started, probed, done, *ends):
        async with store.transaction() as tx:
            await tx.save_job(after)
        assert await job_of(store, job) == after


async def test_forgets_a_transaction_that_failed(store: Store) -> None:
    job = a_job()
    task = a_task(job)

    async def fail() -> None:
        async with store.transaction() as tx:
            await tx.add_job(job, "")
            await tx.add_tasks([task])
            await tx.say(job, "queued")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await fail()
    assert await job_of(store, job) is None
    assert await task_of(store, task) is None


async def test_pages_newest_first(store: Store) -> None:
    tenant = new_id()
    made = [a_job(tenant) for _ in range(4)]
    async with store.transaction() as tx:
        for job in made:
            await tx.add_job(job, "")
        newest = made[::-1]
        everything: dict[str, Any] = {"state": None, "asset_id": ""}
        assert await tx.page(tenant, **everything, before=None, limit=3) == newest[:3]
        assert await tx.page(tenant, **everything, before=newest[2].id, limit=3) == newest[3:]


async def test_pages_by_state_and_asset(store: Store) -> None:
    tenant = new_id()
    queued, running = a_job(tenant), a_job(tenant, state=JobState.RUNNING)
    async with store.transaction() as tx:
        for job in (queued, running, a_job()):
            await tx.add_job(job, "")
        assert await tx.page(tenant, state=JobState.RUNNING, asset_id="", before=None, limit=9) == [running]
        assert await tx.page(tenant, state=None, asset_id=queued.asset_id, before=None, limit=9) == [queued]
        assert await tx.page(tenant, state=JobState.FAILED, asset_id="", before=None, limit=9) == []


async def test_live_jobs_are_those_that_are_not_over(store: Store) -> None:
    first = a_job()
    states = {state: replace(a_job(), asset_id=first.asset_id, state=state) for state in JobState}
    async with store.transaction() as tx:
        for job in states.values():
            await tx.add_job(job, "")
        live = {job.id for job in await tx.live_jobs(first.asset_id)}
    assert live == {states[JobState.QUEUED].id, states[JobState.RUNNING].id}


async def test_lost_jobs_are_over_for_a_while_and_not_collected(store: Store) -> None:
    lost = [a_job(state=state, end_time=NOW) for state in (JobState.CANCELLED, JobState.FAILED)]
    others = [
        a_job(state=JobState.FAILED, end_time=SOON),
        a_job(state=JobState.FAILED, end_time=NOW, collected=True),
        a_job(state=JobState.SUCCEEDED, end_time=NOW),
        a_job(state=JobState.RUNNING),
    ]
    for job in (*lost, *others):
        await stored(store, job)
    async with store.transaction() as tx:
        found = {job.id for job in await tx.lost(SOON, 1000)}
        assert {job.id for job in lost} <= found
        assert not {job.id for job in others} & found
        await tx.save_job(replace(lost[0], collected=True))
        assert lost[0].id not in {job.id for job in await tx.lost(SOON, 1000)}


async def test_unpublished_jobs_are_finished_and_still_run(store: Store) -> None:
    then = datetime(2003, 1, 1, tzinfo=UTC)
    stuck = a_job(state=JobState.RUNNING, encode_time=then)
    others = [
        a_job(state=JobState.RUNNING),
        a_job(state=JobState.RUNNING, encode_time=then, tasks_total=1),
        a_job(state=JobState.RUNNING, encode_time=then + timedelta(days=2)),
        a_job(state=JobState.SUCCEEDED, encode_time=then),
    ]
    async with store.transaction() as tx:
        for job in (stuck, *others):
            await tx.add_job(job, "")
        assert await tx.unpublished(then + timedelta(days=1), 10) == [stuck]
        for job in (stuck, *others):
            await tx.save_job(replace(job, state=JobState.CANCELLED))


async def test_knows_what_the_newest_probe_of_an_asset_found(store: Store) -> None:
    job = a_job()
    again = a_job(job.tenant_id, asset_id=job.asset_id, facts=some_facts(family="mov"))
    await stored(store, job)
    async with store.transaction() as tx:
        assert await tx.known_facts(job.tenant_id, job.asset_id) is None
    await stored(store, replace(job, id=new_id(), facts=some_facts()))
    await stored(store, replace(again, id=new_id()))
    await stored(store, replace(job, id=new_id()))
    async with store.transaction() as tx:
        known = await tx.known_facts(job.tenant_id, job.asset_id)
        assert known is not None
        assert known["family"] == "mov"
        assert await tx.known_facts(new_id(), job.asset_id) is None
