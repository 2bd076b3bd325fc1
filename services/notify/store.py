"""What notify heard and tells, in Postgres."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from meshkit import outbox
from services.notify import wire

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from sqlalchemy.ext.asyncio import AsyncConnection

    from meshkit.db import Database
    from services.notify.domain import Event


class PostgresStore:
    def __init__(self, db: Database) -> None:
        self._db = db

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[PostgresTransaction]:
        async with self._db.transaction() as connection:
            yield PostgresTransaction(connection)


class PostgresTransaction:
    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def first_time(self, consumer: str, message_id: str) -> bool:
        return await outbox.first_time(self._connection, consumer, message_id)

    async def tell(self, event: Event) -> None:
        subject = f"feed.{event.tenant_id}.{event.type}"
        await outbox.enqueue(self._connection, subject, wire.to_event(event).SerializeToString())
