"""A message that fails and fails again, before a reader that takes one at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest_asyncio
import sqlalchemy as sa
from reelmesh.identity.v1 import identity_events_pb2

from meshkit.consume import ORDERED_ATTEMPTS, Consumer, Delivery
from meshkit.errors import Unavailable
from meshkit.ids import new_id
from meshkit.outbox import DEAD_LETTERS, Relay
from meshkit.topology import Durable
from tests.eventually import eventually
from tests.integration.meshkit.test_outbox import emit, running

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from meshkit.db import Database
    from meshkit.nats import Bus

WITHIN = 45.0


@pytest_asyncio.fixture(loop_scope="session")
async def db(database: Callable[[str], Awaitable[Database]]) -> Database:
    return await database("identity")


async def buried(db: Database, consumer: str) -> list[str]:
    async with db.transaction() as connection:
        found = sa.select(DEAD_LETTERS.c.reason).where(DEAD_LETTERS.c.consumer == consumer)
        return list((await connection.execute(found)).scalars())


async def test_it_is_set_aside_within_seconds_and_the_rest_keeps_its_order(bus: Bus, db: Database) -> None:
    first, poisoned, *rest = [new_id() for _ in range(5)]
    heard: list[str] = []
    away = 2

    async def handle(event: identity_events_pb2.TenantCreated, _: Delivery) -> None:
        nonlocal away
        if event.tenant.id not in {first, poisoned, *rest}:
            return
        heard.append(event.tenant.id)
        if event.tenant.id == first and away:
            away -= 1
            raise Unavailable("not_yet")
        if event.tenant.id == poisoned:
            raise KeyError("what nobody foresaw")

    name = f"test-{poisoned}"
    subject = "reelmesh.identity.v1.tenant_created.*"
    durable = Durable(name=name, stream="IDENTITY", filter_subject=subject, max_ack_pending=1)
    await bus.js.add_consumer("IDENTITY", durable.config())
    consumer = Consumer(bus, db, durable, {"tenant_created": identity_events_pb2.TenantCreated}, handle)
    async with running(Relay(db, bus, "identity").run(), consumer.run()):
        for tenant_id in (first, poisoned, *rest):
            await emit(db, tenant_id)
        assert await eventually(lambda: heard[-1:] == rest[-1:], within=WITHIN)
    assert heard == [first] * 3 + [poisoned] * ORDERED_ATTEMPTS + rest
    assert await buried(db, name) == ["KeyError('what nobody foresaw')"]
