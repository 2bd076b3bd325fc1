"""Uploads in Postgres."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB, insert

from meshkit import instruments, once, outbox
from meshkit.db import after_commit
from meshkit.statements import Statement
from services.upload import wire
from services.upload.domain import State, Transport, Upload, Visibility
from services.upload.quotas import NO_LIMITS, Limits, counted, ended_empty
from services.upload.tenant_rows import TEMPLATE, Tenants, locked, tenant_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from datetime import datetime

    from meshkit.db import Database

_TIME = sa.DateTime(timezone=True)
UPLOADS = sa.Table(
    "uploads",
    sa.MetaData(),
    sa.Column("id", sa.Uuid(as_uuid=False), primary_key=True),
    sa.Column("tenant_id", sa.Uuid(as_uuid=False)),
    sa.Column("asset_id", sa.Uuid(as_uuid=False)),
    sa.Column("state", sa.Text),
    sa.Column("file_name", sa.Text),
    sa.Column("size", sa.BigInteger),
    sa.Column("content_type", sa.Text),
    sa.Column("sha256", sa.Text),
    sa.Column("preset", sa.Text),
    sa.Column("labels", JSONB),
    sa.Column("visibility", sa.Text),
    sa.Column("passthrough", sa.Text),
    sa.Column("part_size", sa.BigInteger),
    sa.Column("part_count", sa.Integer),
    sa.Column("object_key", sa.Text),
    sa.Column("multipart_id", sa.Text),
    sa.Column("request_id", sa.Text),
    sa.Column("expire_time", _TIME),
    sa.Column("create_time", _TIME),
    sa.Column("update_time", _TIME),
    sa.Column("error_code", sa.Text),
    sa.Column("error_message", sa.Text),
    sa.Column("transport", sa.Text),
    sa.Column("received", sa.BigInteger),
    sa.Column("size_deferred", sa.Boolean),
    sa.Column("client_metadata", sa.Text),
    sa.Column("source_url", sa.Text),
    sa.Column("epoch", sa.Integer),
    sa.Column("tail_key", sa.Text),
    sa.Column("attempts", sa.Integer),
    sa.Column("held_until", _TIME),
    sa.Column("look_time", _TIME),
    sa.Column("progress_time", _TIME),
    sa.Column("charged", sa.BigInteger),
    sa.Column("job", JSONB),
    sa.Column("job_id", sa.Text),
)
_MEDIA = {"video", "audio", "image"}
_COLUMNS = [column for column in UPLOADS.columns if column.name not in {"request_id", "charged"}]
# Made once: to make them anew costs more than to run them.
_NAMES = [column.name for column in _COLUMNS]
_ADDED = (
    insert(UPLOADS)
    .values({column.name: sa.bindparam(column.name, type_=column.type) for column in UPLOADS.columns})
    .on_conflict_do_nothing(constraint="uploads_request_id_key")
    .returning(UPLOADS.c.tenant_id)
    .cte("added")
)
# In one round trip, and the upload first: its tenant is that of the row that was added.
_ADD = locked(sa.select(_ADDED.c.tenant_id))
_ID, _TENANT = (sa.bindparam(name, type_=UPLOADS.c.id.type) for name in ("one", "tenant"))
_MINE = sa.select(*_COLUMNS).where(UPLOADS.c.id == _ID, UPLOADS.c.tenant_id == _TENANT)
_GET, _LOCK = Statement(_MINE), Statement(_MINE.with_for_update())
_OF_ASSET = Statement(
    sa.select(*_COLUMNS)
    .where(UPLOADS.c.asset_id == sa.bindparam("asset", type_=_ID.type), UPLOADS.c.tenant_id == _TENANT)
    .with_for_update()
)
_OF_REQUEST = Statement(
    sa.select(*_COLUMNS).where(UPLOADS.c.tenant_id == _TENANT, UPLOADS.c.request_id == sa.bindparam("request"))
)
_BEFORE, _MOST = sa.bindparam("before", type_=_ID.type), sa.bindparam("most", type_=sa.Integer)
_LAST = "ffffffff-ffff-ffff-ffff-ffffffffffff"
_PAGE = Statement(
    sa.select(*_COLUMNS)
    .where(UPLOADS.c.tenant_id == _TENANT, UPLOADS.c.id < _BEFORE)
    .order_by(UPLOADS.c.id.desc())
    .limit(_MOST)
)
_NOW, _THEN = (sa.bindparam(name, type_=_TIME) for name in ("now", "then"))
_RECEIVING = UPLOADS.c.state == State.RECEIVING


def _due(*where: sa.ColumnElement[bool]) -> Statement:
    due = sa.select(*_COLUMNS).where(_RECEIVING, *where)
    return Statement(due.limit(_MOST).with_for_update(skip_locked=True))


_STALE, _UNSEEN = _due(UPLOADS.c.expire_time < _NOW), _due(UPLOADS.c.look_time < _NOW)
_IDLE = sa.or_(UPLOADS.c.held_until.is_(None), UPLOADS.c.held_until < _NOW)
_UNFETCHED = _due(UPLOADS.c.transport == Transport.FETCHED, _IDLE)
_SOON = Statement(
    sa.update(UPLOADS).where(UPLOADS.c.id == _ID, _RECEIVING, UPLOADS.c.look_time > _THEN).values(look_time=_THEN)
)
_SET = Statement(
    sa.update(UPLOADS)
    .where(UPLOADS.c.id == _ID)
    .values({column.name: sa.bindparam(column.name, type_=column.type) for column in _COLUMNS[1:]})
)
_CHARGED = Statement(sa.select(UPLOADS.c.charged).where(UPLOADS.c.id == _ID))
_FORGET = Statement(sa.delete(UPLOADS).where(UPLOADS.c.id == _ID))


class PostgresStore:
    def __init__(self, db: Database, limits: Limits = NO_LIMITS) -> None:
        """`limits` are those of tenants that have none of their own."""
        self._db = db
        self._limits = limits

    async def template(self, tenant_id: str) -> str | None:
        async with self._db.direct_autocommit() as connection:
            row = await TEMPLATE.first(connection, tenant=tenant_id)
        return None if row is None else row[0]

    async def find(self, tenant_id: str, upload_id: str) -> Upload | None:
        async with self._db.direct_autocommit() as connection:
            row = await _GET.first(connection, one=upload_id, tenant=tenant_id)
        return None if row is None else _upload(row)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[PostgresTransaction]:
        async with self._db.direct() as connection:
            yield PostgresTransaction(connection, self._limits)


class PostgresTransaction(Tenants):
    async def add(self, upload: Upload, request_id: str) -> Upload:
        await once.only(self._connection, upload.tenant_id, request_id)
        values = {name: getattr(upload, name) for name in _NAMES}
        row = await _ADD.first(self._connection, request_id=request_id or None, charged=counted(upload, 0), **values)
        if row is not None:
            await self.open(upload, tenant_of(row))
            await self._say(upload)
            return upload
        (found,) = await _OF_REQUEST.run(self._connection, tenant=upload.tenant_id, request=request_id)
        return _upload(found)

    async def get(self, tenant_id: str, upload_id: str, *, lock: bool = False) -> Upload | None:
        row = await (_LOCK if lock else _GET).first(self._connection, one=upload_id, tenant=tenant_id)
        return None if row is None else _upload(row)

    async def of_asset(self, tenant_id: str, asset_id: str) -> Upload | None:
        row = await _OF_ASSET.first(self._connection, asset=asset_id, tenant=tenant_id)
        return None if row is None else _upload(row)

    async def page(self, tenant_id: str, *, before: str | None, limit: int) -> Sequence[Upload]:
        rows = await _PAGE.run(self._connection, tenant=tenant_id, before=before or _LAST, most=limit)
        return [_upload(row) for row in rows]

    async def stale(self, now: datetime, limit: int) -> Sequence[Upload]:
        return [_upload(row) for row in await _STALE.run(self._connection, now=now, most=limit)]

    async def unseen(self, now: datetime, limit: int) -> Sequence[Upload]:
        return [_upload(row) for row in await _UNSEEN.run(self._connection, now=now, most=limit)]

    async def unfetched(self, now: datetime, limit: int) -> Sequence[Upload]:
        return [_upload(row) for row in await _UNFETCHED.run(self._connection, now=now, most=limit)]

    async def look_soon(self, upload_id: str, then: datetime) -> None:
        await _SOON.run(self._connection, one=upload_id, then=then)

    async def save(self, upload: Upload) -> None:
        await self._set(upload)
        await self.charge(upload)
        await self._say(upload)

    async def keep(self, upload: Upload, *, news: bool = False) -> None:
        await self._set(upload)
        if upload.size_deferred:
            # Any other counts for what it declared, from its beginning on.
            await self.charge(upload)
        if news:
            await outbox.emit(self._connection, wire.to_progress(upload), upload.id)

    async def charge(self, upload: Upload) -> None:
        charged = await self._charged(upload)
        await self.settle(upload, charged, counted(upload, charged), ended_empty=ended_empty(upload))

    async def free(self, upload: Upload) -> None:
        await self.settle(upload, await self._charged(upload), 0)

    async def forget(self, upload: Upload) -> None:
        await _FORGET.run(self._connection, one=upload.id)

    async def _charged(self, upload: Upload) -> int:
        ((charged,),) = await _CHARGED.run(self._connection, one=upload.id)
        return int(charged)

    async def _set(self, upload: Upload) -> None:
        await _SET.run(self._connection, one=upload.id, **{name: getattr(upload, name) for name in _NAMES[1:]})

    async def _say(self, upload: Upload) -> None:
        await outbox.emit(self._connection, wire.to_event(upload), upload.id)
        after_commit(self._connection, lambda: _count(upload))


def _count(upload: Upload) -> None:
    instruments.UPLOADS.add(state=upload.state, transport=upload.transport, reason=upload.error_code)
    if upload.state is State.COMPLETED:
        kind = upload.content_type.partition("/")[0]
        instruments.UPLOAD_SIZE.record(upload.size, type=kind if kind in _MEDIA else "other")


def _upload(row: Sequence[Any]) -> Upload:
    values = dict(zip(_NAMES, row, strict=True))
    named = {"state": State, "visibility": Visibility, "transport": Transport}
    return Upload(**values | {name: enum(values[name]) for name, enum in named.items()})
