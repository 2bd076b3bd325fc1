"""The fake store and Postgres give turns alike: fairly between tenants, by due time within one."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from meshkit.ids import new_id
from services.transcode.scheduler.domain import JobState
from services.transcode.scheduler.task import HEAD_START, Task, due
from tests.fakes.transcode_rows import NOW, a_job, a_task

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from services.transcode.scheduler.domain import Job
    from services.transcode.scheduler.ports import Store

LEASE = timedelta(seconds=30)
SECOND = timedelta(seconds=1)


@pytest.fixture(autouse=True)
async def alone(idle: Callable[[], Awaitable[None]], store: Store) -> None:
    """Turns go to all tenants: no other test's tasks may wait, nor may any tenant be thought to have some."""
    await idle()
    async with store.transaction() as tx:
        assert await tx.turn(NOW) is None


async def queued(store: Store, *tasks: Task, job: Job | None = None) -> None:
    async with store.transaction() as tx:
        await tx.add_job(job or replace(a_job(tasks[0].tenant_id), id=tasks[0].job_id), "")
        await tx.add_tasks(tasks)


def tasks_of(tenant_id: str, count: int, **changes: float) -> list[Task]:
    job = a_job(tenant_id)
    return [a_task(job, due_time=NOW + number * SECOND, **changes) for number in range(count)]


async def taken(store: Store, now: timedelta = timedelta(0)) -> Task | None:
    """Whatever a worker would get now, claimed."""
    async with store.transaction() as tx:
        turn = await tx.turn(NOW + now)
        if turn is None:
            return None
        assert turn[1].id == turn[0].job_id
        claimed = turn[0].claim("worker", LEASE, NOW)
        assert await tx.take(claimed)
        return claimed


async def drawn(store: Store, count: int) -> list[str]:
    """The tenants of the next tasks, in order."""
    return [task.tenant_id for _ in range(count) if (task := await taken(store))]


async def test_nothing_waits(store: Store) -> None:
    assert await taken(store) is None


async def test_what_is_due_first_comes_first_and_once(store: Store) -> None:
    tasks = tasks_of(new_id(), 3)
    await queued(store, *reversed(tasks))
    got = [await taken(store) for _ in range(4)]
    assert [task and task.id for task in got] == [*(task.id for task in tasks), None]


async def running(store: Store, *tasks: Task) -> None:
    """Queued, of a job that has begun."""
    job = a_job(tasks[0].tenant_id)
    await queued(store, *tasks, job=replace(job, id=tasks[0].job_id, state=JobState.RUNNING))


async def claims(store: Store, *workers: str, now: timedelta = timedelta(0)) -> list[Task]:
    async with store.signals() as signals:
        given = await signals.claim(workers, NOW + now + LEASE, NOW + now)
    assert all(task.job_id == job.id for task, job in given)
    return [task for task, _ in given]


async def test_claims_that_come_together_are_given_in_order(store: Store) -> None:
    first, second, third = tasks_of(new_id(), 3)
    await running(store, third, second, first)
    expected = [first.claim("one", LEASE, NOW), second.claim("two", LEASE, NOW)]
    assert await claims(store, "one", "two") == expected
    async with store.transaction() as tx:
        assert [await tx.task(each.id) for each in expected] == expected
    assert [task.id for task in await claims(store, "three", "four")] == [third.id]
    assert await claims(store, "four") == []


async def test_claims_that_come_together_are_charged(store: Store) -> None:
    many, few = tasks_of(new_id(), 3), tasks_of(new_id(), 1)
    await running(store, *many)
    assert await claims(store, "one", "two")
    await running(store, *few)
    # Who comes later begins where the other stands.
    assert {(await claims(store, "three"))[0].tenant_id for _ in range(2)} == {many[0].tenant_id, few[0].tenant_id}


async def test_claims_that_come_together_still_take_turns(store: Store) -> None:
    one, other = tasks_of(new_id(), 4), tasks_of(new_id(), 4)
    await running(store, *one)
    await running(store, *other)
    given: list[Task] = []
    while len(given) < 4:
        given += await claims(store, *map(str, range(4 - len(given))))
    assert Counter(task.tenant_id for task in given) == {one[0].tenant_id: 2, other[0].tenant_id: 2}


async def test_claims_leave_what_waits_for_its_backoff_or_for_its_job_to_begin(store: Store) -> None:
    job = a_job()
    late = a_task(job, not_before=NOW + SECOND)
    await running(store, late)
    assert await claims(store, "one") == []
    assert [task.id for task in await claims(store, "one", now=SECOND)] == [late.id]
    await queued(store, *tasks_of(new_id(), 1))
    assert await claims(store, "one", "two") == []


async def test_what_a_worker_holds_is_found(store: Store) -> None:
    worker = new_id()
    [task] = tasks_of(new_id(), 1)
    await queued(store, task)
    held = task.claim(worker, LEASE, NOW)
    async with store.transaction() as tx:
        assert await tx.held_by(worker) is None
        assert await tx.take(held)
        found = await tx.held_by(worker)
        assert found is not None
        assert (found[0].id, found[0].epoch, found[1].id) == (held.id, 1, held.job_id)
        await tx.save_task(held.succeed(1))
        assert await tx.held_by(worker) is None


async def test_a_task_that_went_meanwhile_is_not_taken(store: Store) -> None:
    [task] = tasks_of(new_id(), 1)
    await queued(store, task)
    async with store.transaction() as tx:
        turn = await tx.turn(NOW)
        assert turn is not None
        await tx.cancel_tasks(task.job_id)
        assert not await tx.take(turn[0].claim("worker", LEASE, NOW))
        assert await tx.turn(NOW) is None


async def test_tenants_take_turns_however_much_they_queue(store: Store) -> None:
    many, few = new_id(), new_id()
    await queued(store, *tasks_of(many, 20))
    for _ in range(2):
        await queued(store, *tasks_of(few, 2))
    assert Counter(await drawn(store, 8)) == {many: 4, few: 4}
    assert await drawn(store, 2) == [many, many]


async def test_a_share_is_of_work_and_not_of_tasks(store: Store) -> None:
    large, small = new_id(), new_id()
    await queued(store, *tasks_of(large, 10, weight=300.0))
    await queued(store, *tasks_of(small, 10, weight=100.0))
    assert Counter(await drawn(store, 8)) == {large: 2, small: 6}


async def test_who_comes_later_owes_nothing_and_has_saved_nothing(store: Store) -> None:
    early, late = new_id(), new_id()
    await queued(store, *tasks_of(early, 30))
    await drawn(store, 10)
    await queued(store, *tasks_of(late, 20))
    assert Counter(await drawn(store, 10)) == {early: 5, late: 5}


async def test_who_was_alone_does_not_pay_for_it(store: Store) -> None:
    busy, other = new_id(), new_id()
    await queued(store, *tasks_of(busy, 10))
    await drawn(store, 10)
    await queued(store, *tasks_of(other, 10))
    await queued(store, *tasks_of(busy, 10))
    assert Counter(await drawn(store, 10)) == {busy: 5, other: 5}


async def test_what_was_handed_back_is_not_charged(store: Store) -> None:
    unlucky, other = new_id(), new_id()
    await queued(store, *tasks_of(unlucky, 5))
    await queued(store, *tasks_of(other, 5))
    for _ in range(10):
        held = await taken(store)
        assert held is not None
        if held.tenant_id == unlucky:
            async with store.transaction() as tx:
                await tx.save_task(held.release(held.epoch))
            break
    assert Counter(await drawn(store, 4))[unlucky] >= 2


async def test_a_backoff_holds_up_nobody_else(store: Store) -> None:
    waiting, other = new_id(), new_id()
    soon = NOW + 10 * SECOND
    late = [replace(task, not_before=soon) for task in tasks_of(waiting, 1)]
    await queued(store, *late)
    await queued(store, *tasks_of(other, 2))
    assert await drawn(store, 3) == [other, other]
    async with store.transaction() as tx:
        assert await tx.turn(NOW) is None
        assert await tx.next_backoff() == soon
    assert await taken(store, 11 * SECOND) is not None
    async with store.transaction() as tx:
        assert await tx.next_backoff() is None


async def test_a_task_queued_again_wakes_its_tenant(store: Store) -> None:
    [task] = tasks_of(new_id(), 1)
    await queued(store, task)
    held = await taken(store)
    assert held is not None
    assert await taken(store) is None
    async with store.transaction() as tx:
        await tx.save_task(held.expire())
    again = await taken(store)
    assert again is not None
    assert (again.id, again.epoch) == (task.id, 2)


async def test_many_workers_get_a_task_each(store: Store) -> None:
    tasks = [task for _ in range(3) for task in tasks_of(new_id(), 4)]
    for number in range(0, 12, 4):
        await queued(store, *tasks[number : number + 4])
    got = await asyncio.gather(*[taken(store) for _ in range(14)])
    assert Counter(task.id for task in got if task) == {task.id: 1 for task in tasks}


def test_a_new_videos_beginning_goes_before_the_tail_of_a_long_one() -> None:
    long_ago = NOW - timedelta(minutes=30)
    tail = due(long_ago, 50, into=timedelta(hours=9))
    rest = due(NOW, 50, into=timedelta(seconds=8))
    first = due(NOW, 50, urgent=True)
    assert first < rest < tail


def test_what_waited_long_goes_before_all_that_is_new() -> None:
    old, urgent, important = due(NOW - 3 * HEAD_START, 0), due(NOW, 0, urgent=True), due(NOW, 100)
    assert old < urgent
    assert old < important


def test_a_higher_priority_goes_first_within_reason() -> None:
    assert due(NOW, 60) < due(NOW, 50)
    assert due(NOW - timedelta(hours=2), 0) < due(NOW, 100)
