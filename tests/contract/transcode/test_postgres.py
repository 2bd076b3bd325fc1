"""What Postgres alone can promise: locks between transactions, and what goes out when one commits."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa
from reelmesh.transcode.v1 import transcode_events_pb2, transcode_pb2

from meshkit import outbox
from services.transcode.scheduler import wire
from services.transcode.scheduler.domain import JobState
from services.transcode.scheduler.store import PostgresStore
from services.transcode.scheduler.task import TaskState
from tests.fakes.transcode_rows import NOW, a_job, a_task

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from meshkit.db import Database


@pytest.fixture
async def db(database: Callable[[str], Awaitable[Database]]) -> Database:
    return await database("transcode")


@pytest.fixture
def store(db: Database) -> PostgresStore:
    return PostgresStore(db)


async def sent(db: Database, key: str) -> list[tuple[str, bytes]]:
    """Subjects and payloads about one thing, in the order in which they leave."""
    found = sa.select(outbox.OUTBOX.c.subject, outbox.OUTBOX.c.payload).where(outbox.OUTBOX.c.subject.endswith(key))
    async with db.transaction() as connection:
        return [(subject, payload) for subject, payload in await connection.execute(found.order_by(outbox.OUTBOX.c.id))]


async def test_facts_and_tasks_leave_in_order(store: PostgresStore, db: Database) -> None:
    job = a_job()
    first, second = a_task(job), a_task(job)
    async with store.transaction() as tx:
        await tx.add_job(job, "")
        await tx.say(job, "queued")
        await tx.add_tasks([first, second])
        await tx.enqueue([second], NOW)
        await tx.say_grown(job)
    prefix = "reelmesh.transcode.v1"
    assert [subject for subject, _ in await sent(db, job.id)] == [
        f"{prefix}.job_queued.{job.id}",
        f"{prefix}.job_grown.{job.id}",
    ]
    assert await sent(db, first.id) == [(f"tasks.{first.id}", first.id.encode())]
    assert await sent(db, second.id) == [(f"tasks.{second.id}", second.id.encode())] * 2


@pytest.mark.parametrize(
    ("fact", "event"),
    [
        ("queued", transcode_events_pb2.JobQueued),
        ("started", transcode_events_pb2.JobStarted),
        ("probed", transcode_events_pb2.JobProbed),
        ("progressed", transcode_events_pb2.JobProgressed),
        ("playable", transcode_events_pb2.JobPlayable),
        ("ready", transcode_events_pb2.JobReady),
        ("succeeded", transcode_events_pb2.JobSucceeded),
        ("failed", transcode_events_pb2.JobFailed),
        ("cancelled", transcode_events_pb2.JobCancelled),
    ],
)
async def test_every_fact_is_said_with_the_job(store: PostgresStore, db: Database, fact: str, event: type) -> None:
    job = a_job(state=JobState.RUNNING)
    async with store.transaction() as tx:
        await tx.say(job, fact)
    [(subject, payload)] = await sent(db, job.id)
    assert subject == f"reelmesh.transcode.v1.job_{fact}.{job.id}"
    said: transcode_pb2.Job = event.FromString(payload).job  # type: ignore[attr-defined]  # each event has a job
    assert said == wire.to_job(job)


async def test_playlists_have_one_writer(store: PostgresStore) -> None:
    job, order = a_job(), []
    held = asyncio.Event()

    async def first() -> None:
        async with store.transaction() as tx:
            await tx.lock_playlists(job.id)
            held.set()
            order.append("begun")
            async with store.transaction() as other:
                # Of another job, and free.
                await other.lock_playlists(a_job().id)
            order.append("ended")

    async def second() -> None:
        await held.wait()
        async with store.transaction() as tx:
            await tx.lock_playlists(job.id)
            order.append("next")

    await asyncio.gather(first(), second())
    assert order == ["begun", "ended", "next"]


async def test_a_task_that_somebody_holds_is_left_out(store: PostgresStore) -> None:
    then = datetime(2004, 1, 1, tzinfo=UTC)
    job = a_job()
    running = [a_task(job, state=TaskState.RUNNING, lease_expire_time=then) for _ in range(2)]
    queued = [a_task(job, queue_time=then) for _ in range(2)]
    async with store.transaction() as tx:
        await tx.add_job(job, "")
        await tx.add_tasks([*running, *queued])
    async with store.transaction() as holder, store.transaction() as tx:
        for task in (running[0], queued[0]):
            await holder.task(task.id)
        assert await tx.expired(then + timedelta(days=1), 10) == [running[1]]
        assert await tx.waiting(then + timedelta(days=1), 10) == [queued[1]]
    async with store.transaction() as tx:
        await tx.cancel_tasks(job.id)


async def test_two_who_change_a_job_take_turns(store: PostgresStore) -> None:
    job = a_job()
    task = a_task(job)
    async with store.transaction() as tx:
        await tx.add_job(job, "")
        await tx.add_tasks([task])

    async def add_one() -> None:
        async with store.transaction() as tx:
            found = await tx.task_of_job(task.id)
            assert found is not None
            await tx.save_job(replace(found[1], tasks_done=found[1].tasks_done + 1))

    await asyncio.gather(*[add_one() for _ in range(8)])
    async with store.transaction() as tx:
        kept = await tx.job(job.id)
    assert kept is not None
    assert kept.tasks_done == 8
