"""What notify heard and tells, in Postgres."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from meshkit import outbox
from services.notify import wire
from services.notify.delivery_rows import DeliveryRows

if TYPE_CHECKING:
    import asyncio
    from collections.abc import AsyncIterator
    from contextlib import AbstractAsyncContextManager

    from sqlalchemy.ext.asyncio import AsyncConnection

    from meshkit.db import Database
    from services.notify.domain import Event


class PostgresStore:
    def __init__(self, db: Database, due: asyncio.Event | None = None) -> None:
        """`due` is set after each commit that made a delivery due."""
        self._db = db
        self._due = due

    def transaction(self) -> AbstractAsyncContextManager[PostgresTransaction]:
        return self._over(self._db.transaction())

    def at_once(self) -> AbstractAsyncContextManager[PostgresTransaction]:
        return self._over(self._db.autocommit())

    @asynccontextmanager
    async def _over(
        self, connecting: AbstractAsyncContextManager[AsyncConnection]
    ) -> AsyncIterator[PostgresTransaction]:
        async with connecting as connection:
            transaction = PostgresTransaction(connection)
            yield transaction
        if self._due and transaction.made_due:
            self._due.set()


class PostgresTransaction(DeliveryRows):
    async def first_time(self, consumer: str, message_id: str) -> bool:
        return await outbox.first_time(self._connection, consumer, message_id)

    async def tell(self, event: Event) -> None:
        subject = f"feed.{event.tenant_id}.{event.type}"
        await outbox.enqueue(self._connection, subject, wire.to_event(event).SerializeToString())
