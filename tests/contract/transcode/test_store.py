"""The fake store and Postgres keep the same promises about jobs and their tasks."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from meshkit.ids import new_id
from services.transcode.scheduler.attempt import Attempt
from services.transcode.scheduler.domain import JobState, Output
from services.transcode.scheduler.ports import Beat
from services.transcode.scheduler.task import TaskKind, TaskState
from tests.fakes.transcode_rows import NOW, a_job, a_source, a_task, some_facts

if TYPE_CHECKING:
    from services.transcode.scheduler.domain import Job
    from services.transcode.scheduler.ports import Store
    from services.transcode.scheduler.task import Task

SOON = NOW + timedelta(seconds=30)


async def stored(store: Store, job: Job, *tasks: Task) -> None:
    async with store.transaction() as tx:
        await tx.add_job(job, "")
        if tasks:
            await tx.add_tasks(tasks)


async def job_of(store: Store, job: Job) -> Job | None:
    async with store.transaction() as tx:
        return await tx.job(job.id)


async def task_of(store: Store, task: Task) -> Task | None:
    async with store.transaction() as tx:
        return await tx.task(task.id)


async def test_sees_a_message_for_the_first_time_once(store: Store) -> None:
    message_id = new_id()
    async with store.transaction() as tx:
        assert await tx.first_time("one", message_id)
        assert not await tx.first_time("one", message_id)
    async with store.transaction() as tx:
        assert not await tx.first_time("one", message_id)
        assert await tx.first_time("another", message_id)


async def test_keeps_a_source_as_it_first_was(store: Store) -> None:
    source = a_source()
    async with store.transaction() as tx:
        await tx.add_source(source)
        await tx.add_source(replace(source, size=7))
        assert await tx.source(source.tenant_id, source.asset_id) == source
        assert await tx.source(new_id(), source.asset_id) is None
        assert await tx.source(source.tenant_id, new_id()) is None


async def test_a_deleted_source_stays_deleted(store: Store) -> None:
    known, unknown = a_source(), a_source()
    async with store.transaction() as tx:
        await tx.add_source(known)
        for source in (known, unknown):
            await tx.delete_source(source.tenant_id, source.asset_id)
        await tx.add_source(unknown)
    async with store.transaction() as tx:
        assert await tx.source(known.tenant_id, known.asset_id) == replace(known, deleted=True)
        kept = await tx.source(unknown.tenant_id, unknown.asset_id)
        assert kept is not None
        assert kept.deleted


async def test_a_restored_source_is_there_again(store: Store) -> None:
    source = a_source()
    async with store.transaction() as tx:
        await tx.add_source(source)
        await tx.delete_source(source.tenant_id, source.asset_id)
        await tx.restore_source(source)
        assert await tx.source(source.tenant_id, source.asset_id) == source


async def test_gives_back_the_job_that_it_was_given(store: Store) -> None:
    job = a_job(upload_id=new_id(), facts=some_facts(), priority=10)
    async with store.transaction() as tx:
        assert await tx.add_job(job, "") == job
    async with store.transaction() as tx:
        assert await tx.job(job.id, lock=True) == job
        assert await tx.job(new_id()) is None


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


async def test_a_request_id_counts_once_in_a_tenant(store: Store) -> None:
    tenant = new_id()
    first, second = a_job(tenant), a_job(tenant)
    async with store.transaction() as tx:
        assert await tx.add_job(first, "key") == first
    async with store.transaction() as tx:
        assert await tx.add_job(second, "key") == first
        assert await tx.add_job(second, "") == second
        other = a_job()
        assert await tx.add_job(other, "key") == other


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


async def test_gives_back_the_tasks_that_it_was_given(store: Store) -> None:
    job = a_job()
    tasks = [a_task(job, kind=kind, index=index) for index, kind in enumerate(TaskKind)]
    await stored(store, job, *tasks)
    for task in tasks:
        assert await task_of(store, task) == task
        async with store.transaction() as tx:
            assert await tx.task_of_job(task.id) == (task, job)
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
    async with store.transaction() as tx:
        for task_id, epoch in ((task.id, 1), (task.id, 3), (queued.id, 2), (new_id(), 2)):
            assert await tx.beat(task_id, epoch, 0.9, SOON) is None
        for progress in (0.75, 0.25):
            met = await tx.beat(task.id, 2, progress, SOON)
            assert met == Beat(job_id=job.id, kind=task.kind, told_time=SOON)
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


async def test_a_twin_makes_the_same_of_the_same_source(store: Store) -> None:
    source = a_source()
    mine: dict[str, Any] = {"tenant_id": source.tenant_id, "asset_id": source.asset_id}
    twins = [a_job(**mine, making="m", state=state) for state in (JobState.SUCCEEDED, JobState.RUNNING)]
    others = [a_job(**mine, making="other"), a_job(**mine, making="m", state=JobState.FAILED), a_job(making="m")]
    async with store.transaction() as tx:
        await tx.add_source(source)
        assert await tx.twin(source, "m", "") is None
        for job in (*twins, *others):
            await tx.add_job(job, f"by {job.id}")
        assert await tx.twin(source, "m", "") == twins[1]
        assert await tx.twin(source, "m", "new") == twins[1]
        assert await tx.twin(source, "m", f"by {others[0].id}") is None


async def test_the_same_job_is_one_that_does_the_work(store: Store) -> None:
    tenant = new_id()
    same: dict[str, Any] = {"source_sha256": "ab", "making": "m"}
    asked = a_job(tenant, **same)
    others = [
        a_job(tenant, source_sha256="cd", making="m"),
        a_job(tenant, source_sha256="ab", making="other"),
        a_job(tenant, state=JobState.FAILED, **same),
        a_job(tenant, state=JobState.RUNNING, same_as=asked.id, **same),
        a_job(**same),
    ]
    works = a_job(tenant, state=JobState.RUNNING, **same)
    worked = a_job(tenant, state=JobState.SUCCEEDED, **same)
    async with store.transaction() as tx:
        for job in (asked, *others):
            await tx.add_job(job, "")
        assert await tx.same_job(asked) is None
        assert [job.id for job in await tx.waiting_jobs(1000) if job.tenant_id == tenant] == [others[3].id]
        for job in (works, worked):
            await tx.add_job(job, "")
            assert await tx.same_job(asked) == job
        assert await tx.same_job(replace(asked, making="")) is None


async def test_attempts_are_noted_once_and_forgotten(store: Store) -> None:
    job, other = a_job(), a_job()
    task = a_task(job)
    await stored(store, job, task)
    await stored(store, other)

    def an_attempt(epoch: int, log: str = "") -> Attempt:
        said = {"outcome": "failed", "error_code": "corrupt", "command": "ffmpeg -i x", "log": log}
        which = {"id": new_id(), "job_id": job.id, "task_id": task.id, "kind": "probe", "worker_id": "w"}
        return Attempt(**which, **said, index=0, epoch=epoch, create_time=NOW + epoch * timedelta(days=1))

    first, second = an_attempt(1), an_attempt(2)
    async with store.transaction() as tx:
        for each in (first, second, an_attempt(2, "again")):
            await tx.add_attempt(each)
        assert await tx.attempts(job.id, before=None, limit=9) == [second, first]
        assert await tx.attempts(job.id, before=second.id, limit=9) == [first]
        assert await tx.attempts(job.id, before=None, limit=1) == [second]
        assert await tx.attempts(other.id, before=None, limit=9) == []
        await tx.forget_attempts(NOW + timedelta(days=1, hours=1))
        assert await tx.attempts(job.id, before=None, limit=9) == [second]
        await tx.cancel_tasks(job.id)


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
