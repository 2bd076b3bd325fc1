"""From a committed transaction to an effect that happens once, with its trace.

With the events of identity, to which no other test listens.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio
import sqlalchemy as sa
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from reelmesh.identity.v1 import identity_events_pb2, identity_pb2

from meshkit import outbox, telemetry
from meshkit.consume import Consumer, Delivery
from meshkit.errors import InvalidArgument, Unavailable
from meshkit.ids import new_id
from meshkit.outbox import DEAD_LETTERS, Relay
from meshkit.topology import Durable
from tests.eventually import eventually
from tests.streams import has_message

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine

    from meshkit.db import Database
    from meshkit.nats import Bus


@pytest_asyncio.fixture(loop_scope="session")
async def db(database: Callable[[str], Awaitable[Database]]) -> Database:
    return await database("identity")


@pytest.fixture(scope="session")
def spans() -> InMemorySpanExporter:
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    trace.set_tracer_provider(provider)
    return exporter


@asynccontextmanager
async def running(*loops: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    tasks = [asyncio.create_task(loop) for loop in loops]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


class Heard:
    """A consumer of one tenant's creation, whose handler does as it is told."""

    def __init__(self, bus: Bus, db: Database, tenant_id: str, *outcomes: Exception | None) -> None:
        self.deliveries: list[Delivery] = []
        self._outcomes = list(outcomes)
        self._bus = bus
        self._durable = Durable(
            name=f"test-{tenant_id}",
            stream="IDENTITY",
            filter_subject=f"reelmesh.identity.v1.tenant_created.{tenant_id}",
        )
        self.consumer = Consumer(
            bus, db, self._durable, {"tenant_created": identity_events_pb2.TenantCreated}, self.handle
        )

    async def handle(self, event: identity_events_pb2.TenantCreated, delivery: Delivery) -> None:
        self.deliveries.append(delivery)
        if outcome := self._outcomes.pop(0) if self._outcomes else None:
            raise outcome

    async def start(self) -> None:
        await self._bus.js.add_consumer("IDENTITY", self._durable.config())


async def emit(db: Database, tenant_id: str) -> None:
    async with db.transaction() as connection:
        event = identity_events_pb2.TenantCreated(tenant=identity_pb2.Tenant(id=tenant_id))
        await outbox.emit(connection, event, tenant_id)


async def test_an_event_arrives_once_it_is_committed(bus: Bus, db: Database) -> None:
    heard = Heard(bus, db, tenant_id := new_id())
    await heard.start()
    async with running(Relay(db, bus, "identity").run(), heard.consumer.run()):
        await emit(db, tenant_id)
        await eventually(lambda: len(heard.deliveries) == 1)


async def test_an_event_of_a_failed_transaction_never_arrives(bus: Bus, db: Database) -> None:
    rolled_back, kept = new_id(), new_id()

    async def fail() -> None:
        async with db.transaction() as connection:
            await outbox.emit(connection, identity_events_pb2.TenantCreated(), rolled_back)
            raise KeyError

    with pytest.raises(KeyError):
        await fail()
    async with running(Relay(db, bus, "identity").run()):
        await emit(db, kept)
        await eventually(lambda: has_message(bus, "IDENTITY", f"reelmesh.identity.v1.tenant_created.{kept}"))
    assert not await has_message(bus, "IDENTITY", f"reelmesh.identity.v1.tenant_created.{rolled_back}")


async def test_a_passing_failure_is_asked_again_under_the_same_id(bus: Bus, db: Database) -> None:
    heard = Heard(bus, db, tenant_id := new_id(), Unavailable("not_yet"), KeyError("unexpected"), None)
    await heard.start()
    async with running(Relay(db, bus, "identity").run(), heard.consumer.run()):
        await emit(db, tenant_id)
        await eventually(lambda: len(heard.deliveries) == 3, within=20)
    assert len({delivery.message_id for delivery in heard.deliveries}) == 1


async def test_what_can_never_take_effect_is_buried(bus: Bus, db: Database) -> None:
    heard = Heard(bus, db, tenant_id := new_id(), InvalidArgument("nonsense"))
    await heard.start()

    async def buried() -> sa.Row[Any] | None:
        async with db.transaction() as connection:
            found = sa.select(DEAD_LETTERS).where(DEAD_LETTERS.c.consumer == f"test-{tenant_id}")
            return (await connection.execute(found)).first()

    async with running(Relay(db, bus, "identity").run(), heard.consumer.run()):
        await emit(db, tenant_id)
        row = await eventually(buried)
    assert row is not None
    assert "nonsense" in row.reason
    assert len(heard.deliveries) == 1


async def test_an_inbox_sees_a_repeat(db: Database) -> None:
    message_id = new_id()
    async with db.transaction() as connection:
        assert await outbox.first_time(connection, "one", message_id)
    async with db.transaction() as connection:
        assert not await outbox.first_time(connection, "one", message_id)
        assert await outbox.first_time(connection, "other", message_id)


async def test_many_relays_publish_each_event_once(bus: Bus, db: Database) -> None:
    ids = [new_id() for _ in range(30)]
    async with running(*(Relay(db, bus, "identity").run() for _ in range(3))):
        for tenant_id in ids:
            await emit(db, tenant_id)
        for tenant_id in ids:
            await eventually(partial(has_message, bus, "IDENTITY", f"reelmesh.identity.v1.tenant_created.{tenant_id}"))
    info = await bus.js.stream_info("IDENTITY", subjects_filter="reelmesh.identity.v1.tenant_created.*")
    counts = info.state.subjects or {}
    assert [counts[f"reelmesh.identity.v1.tenant_created.{tenant_id}"] for tenant_id in ids] == [1] * len(ids)


class Refusing:
    """A bus that does not take one subject."""

    def __init__(self, refused: str) -> None:
        self.taken: list[str] = []
        self._refused = refused

    async def born(self, _: str) -> datetime:
        return datetime.min.replace(tzinfo=UTC)

    async def publish(self, subject: str, *_: object) -> None:
        await asyncio.sleep(0)
        if subject == self._refused:
            raise Unavailable("nats_unavailable")
        self.taken.append(subject)


async def test_events_wait_for_those_before_them_and_tasks_for_nothing(db: Database) -> None:
    events = [f"reelmesh.identity.v1.tenant_created.{new_id()}" for _ in range(2)]
    tasks = [f"tasks.{new_id()}" for _ in range(2)]
    async with db.transaction() as connection:
        await outbox.enqueue_all(connection, [(subject, b"") for subject in (*events, *tasks)])
    no_event: Any = Refusing(events[0])
    async with running(Relay(db, no_event, "identity").run()):
        await eventually(lambda: len(no_event.taken) == 2)
    assert sorted(no_event.taken) == sorted(tasks)
    all_else: Any = Refusing("")
    async with running(Relay(db, all_else, "identity").run()):
        await eventually(lambda: len(all_else.taken) == 2)
    assert all_else.taken == events


async def test_a_lost_stream_is_made_anew_and_told_again(bus: Bus, db: Database) -> None:
    first, second = new_id(), new_id()
    async with running(Relay(db, bus, "identity").run()):
        await emit(db, first)
        subject = f"reelmesh.identity.v1.tenant_created.{first}"
        await eventually(lambda: has_message(bus, "IDENTITY", subject))
        await bus.js.delete_stream("IDENTITY")
        await emit(db, second)
        for tenant_id in (first, second):
            lost = f"reelmesh.identity.v1.tenant_created.{tenant_id}"
            await eventually(partial(has_message, bus, "IDENTITY", lost), within=20)


async def test_a_trace_goes_through_outbox_and_stream(bus: Bus, db: Database, spans: InMemorySpanExporter) -> None:
    heard = Heard(bus, db, tenant_id := new_id())
    await heard.start()
    async with running(Relay(db, bus, "identity").run(), heard.consumer.run()):
        with telemetry.tracer.start_as_current_span("the request") as request:
            await emit(db, tenant_id)
        trace_id = request.get_span_context().trace_id

        def names() -> set[str]:
            ours = [span for span in spans.get_finished_spans() if span.context and span.context.trace_id == trace_id]
            return {span.name for span in ours}

        await eventually(lambda: names() >= {"the request", "send IDENTITY", "process IDENTITY"})
