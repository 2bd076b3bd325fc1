"""Attempts in Postgres, beside the rows of `store`."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from meshkit.db import fields_of
from services.transcode.scheduler.attempt import Attempt
from services.transcode.scheduler.tables import ID, METADATA

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy.ext.asyncio import AsyncConnection

ATTEMPTS = sa.Table(
    "attempts",
    METADATA,
    sa.Column("id", ID, primary_key=True),
    sa.Column("job_id", ID),
    sa.Column("task_id", ID),
    sa.Column("kind", sa.Text),
    sa.Column("index", sa.Integer),
    sa.Column("epoch", sa.BigInteger),
    sa.Column("worker_id", sa.Text),
    sa.Column("outcome", sa.Text),
    sa.Column("error_code", sa.Text),
    sa.Column("command", sa.Text),
    sa.Column("log", sa.Text),
    sa.Column("create_time", sa.DateTime(timezone=True)),
)


class AttemptRows:
    """Of a transaction."""

    _connection: AsyncConnection

    async def add_attempt(self, attempt: Attempt) -> None:
        await self._connection.execute(insert(ATTEMPTS).values(asdict(attempt)).on_conflict_do_nothing())

    async def attempts(self, job_id: str, *, before: str | None, limit: int) -> Sequence[Attempt]:
        found = sa.select(ATTEMPTS).where(ATTEMPTS.c.job_id == job_id)
        if before:
            found = found.where(ATTEMPTS.c.id < before)
        rows = await self._connection.execute(found.order_by(ATTEMPTS.c.id.desc()).limit(limit))
        return [Attempt(**fields_of(row)) for row in rows]

    async def forget_attempts(self, before: datetime) -> None:
        await self._connection.execute(sa.delete(ATTEMPTS).where(ATTEMPTS.c.create_time < before))
