"""Outbox and inbox: a fact leaves with the state it speaks of, and takes effect once.

A transaction writes its events into `outbox`; a relay publishes and marks them. A consumer writes the event's id into
`inbox` in the transaction of its effect, and acknowledges after the commit, so that a repeat is seen and dropped.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import time
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, insert

from meshkit import once, telemetry
from meshkit.errors import MeshError
from meshkit.ids import new_id
from meshkit.statements import Statement
from meshkit.telemetry import log
from meshkit.topology import STREAMS, TASKS, event_stream

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from google.protobuf.message import Message
    from sqlalchemy.ext.asyncio import AsyncConnection

    from meshkit.db import Database
    from meshkit.direct import Direct
    from meshkit.nats import Bus

_Row = tuple[Any, ...]

EVENT_ID = "Reelmesh-Event-Id"
"""The header that names an event over all its deliveries."""

_metadata = sa.MetaData()
OUTBOX = sa.Table(
    "outbox",
    _metadata,
    sa.Column("id", sa.Uuid(as_uuid=False), primary_key=True),
    sa.Column("subject", sa.Text, nullable=False),
    sa.Column("payload", sa.LargeBinary, nullable=False),
    sa.Column("headers", JSONB, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
    sa.Column("create_time", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
    sa.Column("publish_time", sa.DateTime(timezone=True)),
)
INBOX = sa.Table(
    "inbox",
    _metadata,
    sa.Column("consumer", sa.Text, primary_key=True),
    sa.Column("message_id", sa.Text, primary_key=True),
    sa.Column("create_time", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
)
DEAD_LETTERS = sa.Table(
    "dead_letters",
    _metadata,
    sa.Column("consumer", sa.Text, primary_key=True),
    sa.Column("message_id", sa.Text, primary_key=True),
    sa.Column("subject", sa.Text, nullable=False),
    sa.Column("payload", sa.LargeBinary, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("create_time", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
)
_NEW = (
    sa.func.unnest(*(sa.bindparam(f"{each.name}s", type_=ARRAY(each.type)) for each in OUTBOX.columns[:3]))
    .table_valued(*(sa.column(each.name, each.type) for each in OUTBOX.columns[:3]))
    .render_derived("new")
)
_SAY = Statement(
    sa.insert(OUTBOX).from_select(
        ["id", "subject", "payload", "headers"], sa.select(*_NEW.columns, sa.bindparam("headers", type_=JSONB))
    )
)
_REMEMBER = Statement(
    insert(INBOX)
    .values(consumer=sa.bindparam("consumer"), message_id=sa.bindparam("message_id"))
    .on_conflict_do_nothing()
    .returning(INBOX.c.message_id)
)
_KEPT = timedelta(days=7)
_REPLAYED = timedelta(days=1)
_BATCH = 100
# Locks are the database's, not the schema's: its name is part of the key.
_ONE_PUBLISHER = sa.func.pg_advisory_xact_lock(sa.func.hashtext(sa.func.concat(sa.func.current_schema(), ".outbox")))
_TURN = sa.select(_ONE_PUBLISHER.label("mine")).cte("turn").prefix_with("MATERIALIZED")
# Whoever waited for its turn sees by the rows' locks what the one before it published.
_WAITING = Statement(
    sa.select(OUTBOX.c.id, OUTBOX.c.subject, OUTBOX.c.payload, OUTBOX.c.headers, OUTBOX.c.attempts)
    .select_from(_TURN.join(OUTBOX, sa.true()))
    .where(OUTBOX.c.publish_time.is_(None))
    .order_by(OUTBOX.c.id)
    .limit(sa.literal_column(str(_BATCH)))
    .with_for_update(of=OUTBOX)
)
_TRIED, _PUBLISHED = (sa.bindparam(name, type_=ARRAY(OUTBOX.c.id.type)) for name in ("tried", "published"))
_MARK = Statement(
    sa.update(OUTBOX)
    .where(OUTBOX.c.id == sa.any_(_TRIED))
    .values(
        attempts=OUTBOX.c.attempts + sa.literal_column("1"),
        publish_time=sa.case((OUTBOX.c.id == sa.any_(_PUBLISHED), sa.func.now())),
    )
)
_STREAM_CHECKED_EVERY = 10.0
_POLLED_EVERY = 2.0


def create_tables(op: Any) -> None:
    """For the first migration of a service."""
    for table in (OUTBOX, INBOX, DEAD_LETTERS):
        table.create(op.get_bind())
    op.create_index("outbox_unpublished", "outbox", ["id"], postgresql_where=sa.text("publish_time IS NULL"))


def subject_of(event: Message, key: str) -> str:
    """Proto package, past-tense fact, id: `reelmesh.upload.v1.completed.<id>` for an UploadCompleted."""
    package = event.DESCRIPTOR.file.package
    fact = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", event.DESCRIPTOR.name).lower()
    return f"{package}.{fact.removeprefix(package.split('.')[1] + '_')}.{key}"


async def emit(connection: AsyncConnection | Direct, event: Message, key: str) -> None:
    """Say `event`, about the resource with the id `key`, when this transaction commits."""
    await enqueue(connection, subject_of(event, key), event.SerializeToString())


async def enqueue(connection: AsyncConnection | Direct, subject: str, payload: bytes) -> None:
    """Publish `payload` on `subject` when this transaction commits."""
    await enqueue_all(connection, [(subject, payload)])


async def enqueue_all(connection: AsyncConnection | Direct, messages: Sequence[tuple[str, bytes]]) -> None:
    """Publish each payload on its subject, in this order, when this transaction commits."""
    subjects, payloads = zip(*messages, strict=True)
    ids = [new_id() for _ in messages]
    new = {"ids": ids, "subjects": [*subjects], "payloads": [*payloads], "headers": telemetry.inject()}
    await _SAY.run(connection, **new)
    connection.info["emitted"] = True


async def first_time(connection: AsyncConnection | Direct, consumer: str, message_id: str) -> bool:
    """Whether `consumer` sees the message for the first time; remembers it if this transaction commits."""
    return await _REMEMBER.first(connection, consumer=consumer, message_id=message_id) is not None


async def bury(db: Database, consumer: str, message_id: str, subject: str, payload: bytes, reason: str) -> None:
    """Keep a message that can never take effect, for a person to look at."""
    row = {"consumer": consumer, "message_id": message_id, "subject": subject, "payload": payload, "reason": reason}
    async with db.transaction() as connection:
        await connection.execute(insert(DEAD_LETTERS).values(**row).on_conflict_do_nothing())


class Relay:
    """Publishes a service's outbox in order. Any number may run: they take turns."""

    def __init__(self, db: Database, bus: Bus, service: str) -> None:
        self._db = db
        self._bus = bus
        self._service = service
        self._stream = event_stream(service)

    async def run(self) -> None:
        """Publish as transactions commit, until cancelled; whatever fails stays and is tried again."""
        checked = float("-inf")
        while True:
            self._db.emitted.clear()
            try:
                if time.monotonic() - checked > _STREAM_CHECKED_EVERY:
                    await self._replay_lost()
                    checked = time.monotonic()
                if await self._publish_batch() == _BATCH:
                    continue
            except MeshError as error:
                log.warning("outbox waits", reason=error.reason, detail=error.message)
                checked = float("-inf")
                await asyncio.sleep(0.5)
            # The poll is for what another replica left behind when it died.
            with contextlib.suppress(TimeoutError):
                # Not wait_for, which in Python 3.11 forgets a cancel that comes together with its result.
                async with asyncio.timeout(_POLLED_EVERY):
                    await self._db.emitted.wait()

    async def _publish_batch(self) -> int:
        async with self._db.direct() as connection:
            rows = await _WAITING.run(connection)
            if not rows:
                return 0
            published: list[str] = []
            lanes = (self._in_order(lane, published) for lane in _lanes(rows))
            ends = await asyncio.gather(*lanes, return_exceptions=True)
            await _MARK.run(connection, tried=[row[0] for row in rows], published=published)
        for failure in filter(None, ends):
            raise failure
        return len(rows)

    async def _in_order(self, rows: Sequence[_Row], published: list[str]) -> None:
        for row in rows:
            await self._publish(*row)
            published.append(row[0])

    async def _publish(
        self, event_id: str, subject: str, payload: bytes, headers: Mapping[str, str], attempts: int
    ) -> None:
        # A new attempt needs a new id: the stream would swallow the old one even where its store was lost.
        with telemetry.publishing(_stream_of(subject), headers) as sent:
            await self._bus.publish(subject, payload, sent | {EVENT_ID: event_id}, f"{event_id}.{attempts}")

    async def _replay_lost(self) -> None:
        """What was published before the stream was made was lost with the store of the one before it.

        The last day of it is published again; inboxes drop the repeats.
        """
        born = await self._bus.born(self._stream)
        async with self._db.transaction() as connection:
            lost = await connection.execute(
                sa.update(OUTBOX)
                .where(
                    OUTBOX.c.publish_time < born,
                    OUTBOX.c.publish_time > sa.func.now() - _REPLAYED,
                    OUTBOX.c.subject.like(f"reelmesh.{self._service}.%"),
                )
                .values(publish_time=None)
            )
        if lost.rowcount:
            log.warning("stream was lost", stream=self._stream, replayed=lost.rowcount)

    async def purge(self) -> None:
        """Forget what was published, and seen, longer ago than any redelivery can reach."""
        async with self._db.transaction() as connection:
            await connection.execute(sa.delete(OUTBOX).where(OUTBOX.c.publish_time < sa.func.now() - _KEPT))
            await connection.execute(sa.delete(INBOX).where(INBOX.c.create_time < sa.func.now() - 2 * _KEPT))
            await once.purge(connection)


def _lanes(rows: Sequence[_Row]) -> Iterable[Sequence[_Row]]:
    """What is published one after the other: all of a stream, but for tasks, of which none is before another."""
    lanes: dict[str, list[_Row]] = {}
    for row in rows:
        event_id, subject, *_ = row
        stream = _stream_of(subject)
        lanes.setdefault(event_id if stream == TASKS else stream, []).append(row)
    return lanes.values()


def _stream_of(subject: str) -> str:
    return next((name for name, config in STREAMS.items() if _covers(config.subjects or [], subject)), "")


def _covers(subjects: list[str], subject: str) -> bool:
    return any(subject.startswith(prefix.removesuffix(">")) for prefix in subjects)
