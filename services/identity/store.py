"""Tenants and keys in Postgres."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import asdict
from datetime import timedelta
from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from meshkit import once, outbox
from meshkit.db import fields_of
from services.identity import wire
from services.identity.domain import SYSTEM_TENANT, ApiKey, Tenant
from services.identity.signing import SigningKey
from services.identity.tables import API_KEYS, SIGNING_KEYS, TENANTS
from services.identity.user_rows import Users

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from datetime import datetime

    from meshkit.db import Database

_LOCK = 4_871_202
"""An advisory lock's number, known to no other service of the same database."""
_USED_TO = timedelta(minutes=1)
"""How exactly a key's last use is kept: not every call writes."""


class PostgresStore:
    def __init__(self, db: Database) -> None:
        self._db = db

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[PostgresTransaction]:
        async with self._db.transaction() as connection:
            yield PostgresTransaction(connection)


class PostgresTransaction(Users):
    async def alone(self) -> None:
        await self._connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))

    async def tenant(self, tenant_id: str) -> Tenant | None:
        return await self._one_tenant(TENANTS.c.id == tenant_id)

    async def tenant_named(self, name: str) -> Tenant | None:
        return await self._one_tenant(TENANTS.c.name == name)

    async def tenants(self, *, before: str | None, limit: int) -> Sequence[Tenant]:
        query = sa.select(TENANTS).where(TENANTS.c.name != SYSTEM_TENANT)
        if before:
            query = query.where(TENANTS.c.id < before)
        rows = await self._connection.execute(query.order_by(TENANTS.c.id.desc()).limit(limit))
        return [Tenant(**fields_of(row)) for row in rows]

    async def add_tenant(self, tenant: Tenant) -> None:
        await self._connection.execute(sa.insert(TENANTS), asdict(tenant))
        await outbox.emit(self._connection, wire.to_tenant_created(tenant), tenant.id)

    async def key_of(self, tenant_id: str, slot: str) -> ApiKey | None:
        return await self._one_key(API_KEYS.c.tenant_id == tenant_id, API_KEYS.c.slot == slot)

    async def key_hashed(self, secret_hash: bytes) -> ApiKey | None:
        return await self._one_key(API_KEYS.c.secret_hash == secret_hash)

    async def key(self, tenant_id: str, key_id: str) -> ApiKey | None:
        return await self._one_key(API_KEYS.c.tenant_id == tenant_id, API_KEYS.c.id == key_id)

    async def keys(self, tenant_id: str, *, before: str | None, limit: int) -> Sequence[ApiKey]:
        query = sa.select(API_KEYS).where(API_KEYS.c.tenant_id == tenant_id)
        if before:
            query = query.where(API_KEYS.c.id < before)
        return [_key(row) for row in await self._connection.execute(query.order_by(API_KEYS.c.id.desc()).limit(limit))]

    async def add_key(self, key: ApiKey) -> ApiKey:
        await once.only(self._connection, key.tenant_id, key.request_id or "")
        row = insert(API_KEYS).values(**asdict(key) | {"scopes": sorted(key.scopes)})
        new = row.on_conflict_do_nothing(constraint="api_keys_request_id_key").returning(API_KEYS.c.id)
        if (await self._connection.execute(new)).first() is not None:
            return key
        kept = await self._one_key(API_KEYS.c.tenant_id == key.tenant_id, API_KEYS.c.request_id == key.request_id)
        return kept or key

    async def drop_key(self, key: ApiKey) -> None:
        await self._connection.execute(sa.delete(API_KEYS).where(API_KEYS.c.id == key.id))

    async def used_key(self, key: ApiKey, now: datetime) -> None:
        if key.last_use_time is None or key.last_use_time < now - _USED_TO:
            await self._connection.execute(sa.update(API_KEYS).where(API_KEYS.c.id == key.id).values(last_use_time=now))

    async def signing_keys(self, now: datetime) -> Sequence[SigningKey]:
        current = sa.or_(SIGNING_KEYS.c.retire_time.is_(None), SIGNING_KEYS.c.retire_time > now)
        newest_first = SIGNING_KEYS.c.use_time.desc(), SIGNING_KEYS.c.kid.desc()
        rows = await self._connection.execute(sa.select(SIGNING_KEYS).where(current).order_by(*newest_first))
        return [SigningKey(**fields_of(row)) for row in rows]

    async def save_signing_key(self, key: SigningKey) -> None:
        row = insert(SIGNING_KEYS).values(**asdict(key))
        await self._connection.execute(
            row.on_conflict_do_update(index_elements=["kid"], set_={"retire_time": key.retire_time})
        )

    async def _one_tenant(self, where: sa.ColumnElement[bool]) -> Tenant | None:
        row = (await self._connection.execute(sa.select(TENANTS).where(where).limit(1))).one_or_none()
        return None if row is None else Tenant(**fields_of(row))

    async def _one_key(self, *where: sa.ColumnElement[bool]) -> ApiKey | None:
        row = (await self._connection.execute(sa.select(API_KEYS).where(*where))).one_or_none()
        return None if row is None else _key(row)


def _key(row: sa.Row[tuple[object, ...]]) -> ApiKey:
    fields = fields_of(row)
    return ApiKey(**fields | {"scopes": frozenset(fields["scopes"])})
