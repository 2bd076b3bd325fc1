"""Assets in Postgres."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB, insert

from meshkit import outbox
from services.metadata import wire
from services.metadata.domain import Asset, Fact, Kind, Media, Output, OutputState, State, Visibility

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from sqlalchemy.ext.asyncio import AsyncConnection

    from meshkit.db import Database
    from services.metadata.service import Filter

_TIME = sa.DateTime(timezone=True)
ASSETS = sa.Table(
    "assets",
    sa.MetaData(),
    sa.Column("id", sa.Uuid(as_uuid=False), primary_key=True),
    sa.Column("tenant_id", sa.Uuid(as_uuid=False)),
    sa.Column("upload_id", sa.Uuid(as_uuid=False)),
    sa.Column("kind", sa.Text),
    sa.Column("state", sa.Text),
    sa.Column("playable", sa.Boolean),
    sa.Column("file_name", sa.Text),
    sa.Column("size", sa.BigInteger),
    sa.Column("content_type", sa.Text),
    sa.Column("sha256", sa.Text),
    sa.Column("labels", JSONB),
    sa.Column("visibility", sa.Text),
    sa.Column("passthrough", sa.Text),
    sa.Column("error_code", sa.Text),
    sa.Column("error_message", sa.Text),
    sa.Column("media", JSONB(none_as_null=True)),
    sa.Column("outputs", JSONB),
    sa.Column("object_key", sa.Text),
    sa.Column("playback_id", sa.Uuid(as_uuid=False)),
    sa.Column("job_id", sa.Text),
    sa.Column("object_prefix", sa.Text),
    sa.Column("create_time", _TIME),
    sa.Column("update_time", _TIME),
    sa.Column("delete_time", _TIME),
    sa.Column("revision", sa.BigInteger),
)


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

    async def add(self, asset: Asset) -> None:
        statement = insert(ASSETS).values(asdict(asset)).on_conflict_do_nothing(index_elements=["id"])
        if (await self._connection.execute(statement.returning(ASSETS.c.id))).first() is not None:
            await self._say(asset, Fact.CREATED)

    async def get(self, tenant_id: str, asset_id: str, *, lock: bool = False) -> Asset | None:
        statement = sa.select(ASSETS).where(ASSETS.c.id == asset_id, ASSETS.c.tenant_id == tenant_id)
        return await self._one(statement.with_for_update() if lock else statement)

    async def playing(self, playback_id: str) -> Asset | None:
        return await self._one(sa.select(ASSETS).where(ASSETS.c.playback_id == playback_id))

    async def page(self, tenant_id: str, wanted: Filter, *, before: str | None, limit: int) -> Sequence[Asset]:
        statement = sa.select(ASSETS).where(ASSETS.c.tenant_id == tenant_id, *_where(wanted))
        if before:
            statement = statement.where(ASSETS.c.id < before)
        rows = await self._connection.execute(statement.order_by(ASSETS.c.id.desc()).limit(limit))
        return [_asset(row) for row in rows]

    async def save(self, asset: Asset, fact: Fact) -> None:
        await self._connection.execute(sa.update(ASSETS).where(ASSETS.c.id == asset.id).values(asdict(asset)))
        await self._say(asset, fact)

    async def _say(self, asset: Asset, fact: Fact) -> None:
        await outbox.emit(self._connection, wire.to_event(asset, fact), asset.id)

    async def _one(self, statement: sa.Select[Any]) -> Asset | None:
        row = (await self._connection.execute(statement)).first()
        return None if row is None else _asset(row)


def _where(wanted: Filter) -> list[sa.ColumnElement[bool]]:
    where = [ASSETS.c.state == wanted.state if wanted.state else ASSETS.c.state != State.DELETED]
    if wanted.kind:
        where.append(ASSETS.c.kind == wanted.kind)
    if wanted.visibility:
        where.append(ASSETS.c.visibility == wanted.visibility)
    if wanted.labels:
        where.append(ASSETS.c.labels.contains(dict(wanted.labels)))
    return where


def _asset(row: sa.Row[Any]) -> Asset:
    values = dict(row._mapping)  # noqa: SLF001 - SQLAlchemy's public name for a row as a mapping
    return Asset(
        **values
        | {
            "kind": Kind(values["kind"]) if values["kind"] else None,
            "state": State(values["state"]),
            "visibility": Visibility(values["visibility"]),
            "media": Media(**values["media"]) if values["media"] else None,
            "outputs": tuple(Output(**each | {"state": OutputState(each["state"])}) for each in values["outputs"]),
        }
    )
