"""The fake store and Postgres hold the same places and minutes."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from meshkit.errors import Exhausted
from meshkit.ids import new_id
from services.transcode.scheduler.domain import JobState
from services.transcode.scheduler.quotas import Limits
from services.transcode.scheduler.store import PostgresStore
from tests.fakes.transcode import FakeStore
from tests.fakes.transcode_rows import NOW, a_job

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from meshkit.db import Database
    from services.transcode.scheduler.domain import Job
    from services.transcode.scheduler.ports import Store

LIMITS = Limits(concurrent_jobs=2, encode_minutes=3)


@pytest.fixture(params=["fake", "postgres"])
async def store(request: pytest.FixtureRequest, database: Callable[[str], Awaitable[Database]]) -> Store:
    if request.param == "fake":
        fake = FakeStore()
        fake.limits = LIMITS
        return fake
    return PostgresStore(await database("transcode"), LIMITS)


async def begun(store: Store, job: Job, *, asked: bool = False) -> bool:
    async with store.transaction() as tx:
        await tx.add_job(job, "")
        return await tx.hold(job, asked=asked)


async def end(store: Store, job: Job, state: JobState) -> None:
    async with store.transaction() as tx:
        await tx.save_job(replace(job, state=state))


async def standing(store: Store, tenant_id: str) -> tuple[float, int, int]:
    """Seconds, places, and those who wait for one."""
    async with store.transaction() as tx:
        tenant, live, waiting = await tx.tenant(tenant_id)
    return tenant.seconds, live, waiting


async def test_places_are_held_until_the_end(store: Store) -> None:
    tenant = new_id()
    jobs = [a_job(tenant) for _ in range(4)]
    assert [await begun(store, job) for job in jobs] == [True, True, False, False]
    with pytest.raises(Exhausted):
        await begun(store, a_job(tenant), asked=True)
    assert await standing(store, tenant) == (0, 2, 2)
    async with store.transaction() as tx:
        assert tenant in await tx.waiting_tenants(10_000)
        assert await tx.admit(tenant, 10) == []
    for _ in range(2):
        await end(store, jobs[0], JobState.SUCCEEDED)
    async with store.transaction() as tx:
        assert await tx.admit(tenant, 10) == [jobs[2]]
    assert await standing(store, tenant) == (0, 2, 1)
    for job in jobs:
        await end(store, job, JobState.CANCELLED)
    assert await standing(store, tenant) == (0, 0, 0)


async def test_minutes_come_back_where_nothing_came_of_them(store: Store) -> None:
    tenant = new_id()
    good, bad = a_job(tenant), a_job(tenant)
    for job, seconds in ((good, 100.0), (bad, 80.0)):
        await begun(store, job)
        async with store.transaction() as tx:
            await tx.spend(job, seconds, NOW)
    assert (await standing(store, tenant))[0] == 180
    with pytest.raises(Exhausted):
        async with store.transaction() as tx:
            await tx.spend(good, 1.0, NOW)
    await end(store, good, JobState.SUCCEEDED)
    for _ in range(2):
        await end(store, bad, JobState.FAILED)
    assert await standing(store, tenant) == (100, 0, 0)


async def test_keeps_what_the_operator_sets(store: Store) -> None:
    tenant = new_id()
    async with store.transaction() as tx:
        await tx.save_tenant(replace((await tx.tenant(tenant))[0], max_concurrent_jobs=1))
    assert [await begun(store, a_job(tenant)) for _ in range(2)] == [True, False]


async def test_many_at_once_never_take_more_than_there_is(store: Store) -> None:
    tenant = new_id()

    async def asked() -> bool:
        try:
            return await begun(store, a_job(tenant), asked=True)
        except Exhausted:
            return False

    assert sum(await asyncio.gather(*[asked() for _ in range(10)])) == 2
    assert await standing(store, tenant) == (0, 2, 0)


async def test_a_place_is_given_once(store: Store) -> None:
    tenant = new_id()
    jobs = [a_job(tenant) for _ in range(5)]
    for job in jobs:
        await begun(store, job)
    await end(store, jobs[0], JobState.FAILED)

    async def admitted() -> list[str]:
        async with store.transaction() as tx:
            return [job.id for job in await tx.admit(tenant, 10)]

    given = await asyncio.gather(*[admitted() for _ in range(6)])
    # A round locks what others have not: it may pass in vain, or come to a later one. None is ever one too many.
    assert sum(map(len, given)) <= 1
    given.append(await admitted())
    (one,) = [each for some in given for each in some]
    assert one in {job.id for job in jobs[2:]}
