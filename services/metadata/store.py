"""Assets, and all that hangs on them, in Postgres."""

from __future__ import annotations

import operator
from contextlib import asynccontextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from meshkit import outbox
from meshkit.db import fields_of
from services.metadata import wire
from services.metadata.analysis_rows import AnalysisRows
from services.metadata.domain import Asset, Fact, State
from services.metadata.history import KEPT, Line
from services.metadata.labels import Comparison, number_of
from services.metadata.policy import Policy
from services.metadata.ports import Removal
from services.metadata.tables import (
    ASSETS,
    AUDIT,
    HISTORY,
    LABELS,
    REMOVALS,
    RETENTION,
    VOTES,
    from_asset,
    to_asset,
    to_line,
    to_record,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from datetime import datetime

    from meshkit.db import Database
    from services.metadata.audit import Record, Wanted
    from services.metadata.listing import Filter, Order, Place


_COMPARED = {
    Comparison.GT: operator.gt,
    Comparison.GTE: operator.ge,
    Comparison.LT: operator.lt,
    Comparison.LTE: operator.le,
}


class PostgresStore:
    def __init__(self, db: Database) -> None:
        self._db = db

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[PostgresTransaction]:
        async with self._db.transaction() as connection:
            yield PostgresTransaction(connection)


class PostgresTransaction(AnalysisRows):
    async def first_time(self, consumer: str, message_id: str) -> bool:
        return await outbox.first_time(self._connection, consumer, message_id)

    async def add(self, asset: Asset) -> bool:
        statement = insert(ASSETS).values(from_asset(asset)).on_conflict_do_nothing(index_elements=["id"])
        if (await self._execute(statement.returning(ASSETS.c.id))).first() is None:
            return False
        await self._say(asset, Fact.CREATED)
        return True

    async def get(self, tenant_id: str, asset_id: str, *, lock: bool = False) -> Asset | None:
        statement = sa.select(ASSETS).where(ASSETS.c.id == asset_id, ASSETS.c.tenant_id == tenant_id)
        return await self._one(statement.with_for_update() if lock else statement)

    async def anyones(self, asset_id: str) -> Asset | None:
        return await self._one(sa.select(ASSETS).where(ASSETS.c.id == asset_id).with_for_update())

    async def playing(self, playback_id: str) -> Asset | None:
        return await self._one(sa.select(ASSETS).where(ASSETS.c.playback_id == playback_id))

    async def page(
        self, tenant_id: str, wanted: Filter, order: Order, *, after: Place | None, limit: int
    ) -> Sequence[Asset]:
        statement = sa.select(ASSETS).where(ASSETS.c.tenant_id == tenant_id, *_where(tenant_id, wanted))
        by = ASSETS.c[order.field]
        # In bytes: the index has that order, whatever the database's language.
        columns = [by.collate("C") if order.field == "file_name" else by, ASSETS.c.id]
        if after:
            place = sa.tuple_(sa.literal(after.value, by.type), sa.literal(after.id, ASSETS.c.id.type))
            here = sa.tuple_(*columns)
            statement = statement.where(here < place if order.descending else here > place)
        ordered = [column.desc() for column in columns] if order.descending else columns
        return await self._assets(statement.order_by(*ordered).limit(limit))

    async def save(self, asset: Asset, fact: Fact) -> None:
        values = from_asset(asset)
        del values["votes"]
        await self._execute(sa.update(ASSETS).where(ASSETS.c.id == asset.id).values(values))
        await self._say(asset, fact)

    async def note(self, line: Line, keep: int = KEPT) -> None:
        await self._execute(sa.insert(HISTORY).values(asdict(line) | {"changed": list(line.changed)}))
        if line.revision > keep:
            old = HISTORY.c.asset_id == line.asset_id, HISTORY.c.revision <= line.revision - keep
            await self._execute(sa.delete(HISTORY).where(*old))

    async def history(self, asset_id: str, *, before: str | None, limit: int) -> Sequence[Line]:
        found = sa.select(HISTORY).where(HISTORY.c.asset_id == asset_id)
        if before:
            found = found.where(HISTORY.c.id < before)
        return [to_line(row) for row in await self._execute(found.order_by(HISTORY.c.id.desc()).limit(limit))]

    async def record(self, record: Record) -> None:
        await self._execute(insert(AUDIT).values(asdict(record)).on_conflict_do_nothing(index_elements=["repeat_key"]))

    async def audited(self, tenant_id: str, wanted: Wanted, *, before: str | None, limit: int) -> Sequence[Record]:
        where = [AUDIT.c[name] == value for name, value in wanted.values().items()]
        found = sa.select(AUDIT).where(AUDIT.c.tenant_id == tenant_id, *where)
        if before:
            found = found.where(AUDIT.c.id < before)
        return [to_record(row) for row in await self._execute(found.order_by(AUDIT.c.id.desc()).limit(limit))]

    async def vote(self, asset_id: str, subject: str) -> int:
        cast = insert(VOTES).values(asset_id=asset_id, subject=subject).on_conflict_do_nothing()
        return await self._counted(asset_id, len((await self._execute(cast.returning(VOTES.c.subject))).all()))

    async def withdraw(self, asset_id: str, subject: str) -> int:
        taken = sa.delete(VOTES).where(VOTES.c.asset_id == asset_id, VOTES.c.subject == subject)
        return await self._counted(asset_id, -len((await self._execute(taken.returning(VOTES.c.subject))).all()))

    async def policy(self, tenant_id: str) -> Policy | None:
        found = sa.select(RETENTION.c.original_days, RETENTION.c.deleted_days)
        row = (await self._execute(found.where(RETENTION.c.tenant_id == tenant_id))).first()
        return None if row is None else Policy(**fields_of(row))

    async def save_policy(self, tenant_id: str, policy: Policy) -> None:
        values = asdict(policy)
        statement = insert(RETENTION).values(tenant_id=tenant_id, **values)
        await self._execute(statement.on_conflict_do_update(index_elements=["tenant_id"], set_=values))

    async def overdue(self, now: datetime, default: Policy, limit: int) -> Sequence[Asset]:
        past = _past(ASSETS.c.delete_time, RETENTION.c.deleted_days, default.deleted_days, now)
        return await self._expired(default.deleted_days, limit, ASSETS.c.state == State.DELETED, past)

    async def overdue_sources(self, now: datetime, default: Policy, limit: int) -> Sequence[Asset]:
        past = _past(ASSETS.c.ready_time, RETENTION.c.original_days, default.original_days, now)
        kept = ASSETS.c.state == State.READY, ASSETS.c.source_delete_time.is_(None)
        return await self._expired(default.original_days, limit, *kept, past)

    async def purge(self, asset: Asset) -> None:
        # Votes and history go with it.
        await self._execute(sa.delete(ASSETS).where(ASSETS.c.id == asset.id))

    async def remove(self, removal: Removal) -> None:
        values = asdict(removal)
        statement = insert(REMOVALS).values(values)
        await self._execute(statement.on_conflict_do_update(index_elements=["id"], set_=values))

    async def removed(self, tenant_id: str, asset_id: str) -> bool:
        mine = REMOVALS.c.tenant_id == tenant_id, REMOVALS.c.asset_id == asset_id, REMOVALS.c.purge
        return (await self._execute(sa.select(REMOVALS.c.id).where(*mine))).first() is not None

    async def due(self, now: datetime, limit: int) -> Sequence[Removal]:
        found = sa.select(REMOVALS).where(REMOVALS.c.due_time <= now).order_by(REMOVALS.c.due_time).limit(limit)
        return [Removal(**fields_of(row)) for row in await self._execute(found.with_for_update(skip_locked=True))]

    async def forget(self, removal: Removal) -> None:
        await self._execute(sa.delete(REMOVALS).where(REMOVALS.c.id == removal.id))

    async def say_purged(self, removal: Removal) -> None:
        await outbox.emit(self._connection, wire.to_purged(removal), removal.asset_id)

    async def _say(self, asset: Asset, fact: Fact) -> None:
        await outbox.emit(self._connection, wire.to_event(asset, fact), asset.id)

    async def _counted(self, asset_id: str, more: int) -> int:
        counted = sa.update(ASSETS).where(ASSETS.c.id == asset_id).values(votes=ASSETS.c.votes + more)
        found = counted.returning(ASSETS.c.votes) if more else sa.select(ASSETS.c.votes).where(ASSETS.c.id == asset_id)
        return int((await self._execute(found)).scalar_one())

    async def _expired(self, default: int | None, limit: int, *where: sa.ColumnElement[bool]) -> Sequence[Asset]:
        # Where the default is for ever, only tenants with a policy are looked at.
        joined = ASSETS.join(RETENTION, RETENTION.c.tenant_id == ASSETS.c.tenant_id, isouter=default is not None)
        found = sa.select(ASSETS).select_from(joined).where(*where).limit(limit)
        return await self._assets(found.with_for_update(skip_locked=True, of=ASSETS))

    async def _one(self, statement: sa.Select[Any]) -> Asset | None:
        row = (await self._execute(statement)).first()
        return None if row is None else to_asset(row)

    async def _assets(self, statement: sa.Select[Any]) -> Sequence[Asset]:
        return [to_asset(row) for row in await self._execute(statement)]

    async def _execute(self, statement: Any) -> sa.Result[Any]:
        result: sa.Result[Any] = await self._connection.execute(statement)
        return result


def _past(since: sa.Column[Any], own: sa.Column[Any], default: int | None, now: datetime) -> sa.ColumnElement[bool]:
    """Whether `since` is more days ago than the tenant's policy says; null days are for ever."""
    has_policy = RETENTION.c.tenant_id.is_not(None)
    days = sa.case((has_policy, own), else_=sa.literal(default, sa.Integer))
    return since + sa.func.make_interval(0, 0, 0, days) <= now


def _labelled(tenant_id: str, name: str, value: sa.ColumnElement[bool]) -> sa.ColumnElement[bool]:
    mine = LABELS.c.tenant_id == tenant_id, LABELS.c.name == name, value
    return ASSETS.c.id.in_(sa.select(LABELS.c.asset_id).where(*mine))


def _where(tenant_id: str, wanted: Filter) -> list[sa.ColumnElement[bool]]:
    where = [ASSETS.c.state == wanted.state if wanted.state else ASSETS.c.state != State.DELETED]
    if wanted.kind:
        where.append(ASSETS.c.kind == wanted.kind)
    if wanted.visibility:
        where.append(ASSETS.c.visibility == wanted.visibility)
    for name, value in wanted.labels.items():
        number = number_of(value)
        same = LABELS.c.value == value if number is None else LABELS.c.number == number
        where.append(_labelled(tenant_id, name, same))
    for bound in wanted.bounds:
        beyond = _COMPARED[bound.comparison](LABELS.c.number, sa.literal(bound.number, sa.Numeric))
        where.append(_labelled(tenant_id, bound.name, beyond))
    if wanted.name:
        where.append(ASSETS.c.file_name.icontains(wanted.name, autoescape=True))
    if wanted.created_after:
        where.append(ASSETS.c.create_time > wanted.created_after)
    if wanted.created_before:
        where.append(ASSETS.c.create_time < wanted.created_before)
    return where
