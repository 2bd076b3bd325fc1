"""Tenants and keys in Postgres."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY

from meshkit import outbox
from services.identity import wire
from services.identity.domain import ApiKey, SigningKey, Tenant

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from datetime import datetime

    from sqlalchemy.ext.asyncio import AsyncConnection

    from meshkit.db import Database

_LOCK = 4_871_202
"""An advisory lock's number, known to no other service of the same database."""
_ID = sa.Uuid(as_uuid=False)
_TIME = sa.DateTime(timezone=True)
_METADATA = sa.MetaData()
TENANTS = sa.Table(
    "tenants",
    _METADATA,
    sa.Column("id", _ID, primary_key=True),
    sa.Column("name", sa.Text),
    sa.Column("create_time", _TIME),
)
API_KEYS = sa.Table(
    "api_keys",
    _METADATA,
    sa.Column("id", _ID, primary_key=True),
    sa.Column("tenant_id", _ID),
    sa.Column("name", sa.Text),
    sa.Column("secret_hash", sa.LargeBinary),
    sa.Column("scopes", ARRAY(sa.Text)),
    sa.Column("create_time", _TIME),
)
SIGNING_KEYS = sa.Table(
    "signing_keys",
    _METADATA,
    sa.Column("kid", _ID, primary_key=True),
    sa.Column("private_key", sa.LargeBinary),
    sa.Column("create_time", _TIME),
    sa.Column("retire_time", _TIME),
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

    async def alone(self) -> None:
        await self._connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))

    async def tenant(self, tenant_id: str) -> Tenant | None:
        return await self._one_tenant(TENANTS.c.id == tenant_id)

    async def tenant_named(self, name: str) -> Tenant | None:
        return await self._one_tenant(TENANTS.c.name == name)

    async def add_tenant(self, tenant: Tenant) -> None:
        await self._connection.execute(sa.insert(TENANTS), asdict(tenant))
        await outbox.emit(self._connection, wire.to_event(tenant), tenant.id)

    async def key_named(self, tenant_id: str, name: str) -> ApiKey | None:
        return await self._one_key(API_KEYS.c.tenant_id == tenant_id, API_KEYS.c.name == name)

    async def key_hashed(self, secret_hash: bytes) -> ApiKey | None:
        return await self._one_key(API_KEYS.c.secret_hash == secret_hash)

    async def add_key(self, key: ApiKey) -> None:
        await self._connection.execute(sa.insert(API_KEYS), asdict(key) | {"scopes": sorted(key.scopes)})

    async def drop_key(self, key: ApiKey) -> None:
        await self._connection.execute(sa.delete(API_KEYS).where(API_KEYS.c.id == key.id))

    async def signing_keys(self, now: datetime) -> Sequence[SigningKey]:
        current = sa.or_(SIGNING_KEYS.c.retire_time.is_(None), SIGNING_KEYS.c.retire_time > now)
        newest_first = SIGNING_KEYS.c.create_time.desc(), SIGNING_KEYS.c.kid.desc()
        rows = await self._connection.execute(sa.select(SIGNING_KEYS).where(current).order_by(*newest_first))
        return [SigningKey(**_values(row)) for row in rows]

    async def add_signing_key(self, key: SigningKey) -> None:
        await self._connection.execute(sa.insert(SIGNING_KEYS), asdict(key))

    async def _one_tenant(self, where: sa.ColumnElement[bool]) -> Tenant | None:
        row = (await self._connection.execute(sa.select(TENANTS).where(where))).one_or_none()
        return None if row is None else Tenant(**_values(row))

    async def _one_key(self, *where: sa.ColumnElement[bool]) -> ApiKey | None:
        row = (await self._connection.execute(sa.select(API_KEYS).where(*where))).one_or_none()
        return None if row is None else ApiKey(**_values(row) | {"scopes": frozenset(row.scopes)})


def _values(row: sa.Row[Any]) -> dict[str, Any]:
    return dict(row._mapping)  # noqa: SLF001 - SQLAlchemy's public name for a row as a mapping
