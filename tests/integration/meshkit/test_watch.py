"""What waits in a service is looked up, cheaply, and shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import pytest_asyncio
import sqlalchemy as sa

from meshkit import outbox
from meshkit.db import after_commit
from meshkit.ids import new_id
from meshkit.metrics import REGISTRY
from meshkit.outbox import DEAD_LETTERS, OUTBOX
from meshkit.topology import WORKERS
from meshkit.watch import _OLDEST, Watch

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from meshkit.db import Database
    from meshkit.nats import Bus


@pytest_asyncio.fixture(loop_scope="session")
async def db(database: Callable[[str], Awaitable[Database]]) -> Database:
    return await database("identity")


async def test_an_event_that_nobody_publishes_grows_old(bus: Bus, db: Database) -> None:
    row = {"subject": "reelmesh.identity.v1.nothing", "payload": b"", "headers": {}, "id": new_id()}
    hour_ago = sa.func.now() - sa.text("interval '1 hour'")
    async with db.transaction() as connection:
        await connection.execute(sa.insert(OUTBOX).values(create_time=hour_ago, **row))
    await Watch(db, bus, "identity").look()
    assert (shown("reelmesh_outbox_age_seconds", publisher="identity") or 0) >= 3600
    async with db.transaction() as connection:
        await connection.execute(sa.delete(OUTBOX).where(OUTBOX.c.id == row["id"]))
    await Watch(db, bus, "identity").look()
    assert (shown("reelmesh_outbox_age_seconds", publisher="identity") or 0) < 3600


async def test_dead_letters_are_counted_until_somebody_looked_after_them(bus: Bus, db: Database) -> None:
    consumer = f"test-{new_id()}"
    for _ in range(2):
        await outbox.bury(db, consumer, new_id(), "a.subject", b"", "test")
    await Watch(db, bus, "identity").look()
    assert shown("reelmesh_dead_letters", consumer=consumer) == 2
    async with db.transaction() as connection:
        await connection.execute(sa.delete(DEAD_LETTERS).where(DEAD_LETTERS.c.consumer == consumer))


async def test_streams_and_consumers_belong_to_one_service(
    bus: Bus, database: Callable[..., Awaitable[Database]]
) -> None:
    await Watch(await database("transcode"), bus, "transcode").look()
    for stream in ("TRANSCODE", "TASKS"):
        assert 0 <= (shown("reelmesh_stream_fill", stream=stream) or 0) < 1
    for consumer in ("transcode-metadata-all", "transcode-transcode-job_grown", "workers"):
        assert shown("reelmesh_consumer_lag", consumer=consumer) is not None
    assert shown("reelmesh_dead_letters", consumer="transcode-metadata-all") is not None


async def test_a_durable_that_was_lost_is_made_anew(bus: Bus) -> None:
    await bus.js.delete_consumer(WORKERS.stream, WORKERS.name)
    await bus.waiting(WORKERS)
    assert (await bus.js.consumer_info(WORKERS.stream, WORKERS.name)).config.max_waiting == WORKERS.max_waiting


async def test_what_is_published_already_costs_a_look_nothing(db: Database) -> None:
    async with db.transaction() as connection:
        await connection.execute(sa.text("SET LOCAL enable_seqscan = off"))
        plan = await connection.execute(sa.text(f"EXPLAIN {_OLDEST.compile(compile_kwargs={'literal_binds': True})}"))
        text = "\n".join(row[0] for row in plan)
    assert "outbox_unpublished" in text
    assert "Seq Scan" not in text


async def test_what_is_rolled_back_is_not_counted(db: Database) -> None:
    done: list[str] = []

    async def transaction(name: str, *, fails: bool) -> None:
        async with db.transaction() as connection:
            after_commit(connection, lambda: done.append(name))
            if fails:
                raise KeyError

    with pytest.raises(KeyError):
        await transaction("rolled back", fails=True)
    await transaction("committed", fails=False)
    assert done == ["committed"]


def shown(name: str, **labels: str) -> float | None:
    return REGISTRY.get_sample_value(name, labels)
