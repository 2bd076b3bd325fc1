"""Look every few seconds at what waits in a service: its outbox, its consumers, its dead letters, its streams."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

from meshkit import instruments, topology
from meshkit.outbox import DEAD_LETTERS, OUTBOX

if TYPE_CHECKING:
    from meshkit.db import Database
    from meshkit.nats import Bus

EVERY = 10.0
"""Seconds."""
_OLDEST = (
    sa.select(sa.func.extract("epoch", sa.func.clock_timestamp() - OUTBOX.c.create_time))
    .where(OUTBOX.c.publish_time.is_(None))
    .order_by(OUTBOX.c.id)
    .limit(1)
)
_BURIED = sa.select(DEAD_LETTERS.c.consumer, sa.func.count()).group_by(DEAD_LETTERS.c.consumer)
# What is not named after its publisher has one all the same.
_ALSO_OF = {"transcode": {topology.TASKS, topology.WORKERS.name}, "notify": {topology.FEED}}


class Watch:
    """No look costs more for what is done already: each is into an index of what waits, or asks NATS for a number."""

    def __init__(self, db: Database, bus: Bus, service: str) -> None:
        self._db = db
        self._bus = bus
        self._service = service
        also = _ALSO_OF.get(service, set())
        self._streams = [each for each in topology.STREAMS if each == topology.event_stream(service) or each in also]
        mine = [each for each in topology.DURABLES.values() if each.name.startswith(f"{service}-")]
        self._consumers = [each.name for each in mine]
        self._durables = [*mine, *(each for each in topology.DURABLES.values() if each.name in also)]

    async def look(self) -> None:
        """Raises Unavailable; what could not be looked up is soon no longer shown."""
        async with self._db.transaction() as connection:
            age = (await connection.execute(_OLDEST)).scalar()
            buried = {row[0]: row[1] for row in await connection.execute(_BURIED)}
        instruments.OUTBOX_AGE.set(float(age or 0.0), publisher=self._service)
        for name in {*self._consumers, *buried}:
            instruments.DEAD_LETTERS.set(buried.get(name, 0), consumer=name)
        for stream in self._streams:
            instruments.STREAM_FILL.set(await self._bus.fill(stream), stream=stream)
        for durable in self._durables:
            instruments.CONSUMER_LAG.set(await self._bus.waiting(durable), consumer=durable.name)
