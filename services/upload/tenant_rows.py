"""What tenants have and may have, in Postgres."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from meshkit.db import fields_of
from services.upload.quotas import Tenant, counted

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection

    from services.upload.domain import Upload
    from services.upload.quotas import Limits

TENANTS = sa.Table(
    "tenants",
    sa.MetaData(),
    sa.Column("tenant_id", sa.Uuid(as_uuid=False), primary_key=True),
    sa.Column("bytes_stored", sa.BigInteger),
    sa.Column("day", sa.Date),
    sa.Column("uploads", sa.BigInteger),
    sa.Column("max_bytes_stored", sa.BigInteger),
    sa.Column("max_uploads_per_day", sa.BigInteger),
    sa.Column("object_key_template", sa.Text),
)
TEMPLATE = sa.select(TENANTS.c.object_key_template).where(TENANTS.c.tenant_id == sa.bindparam("tenant"))
_MADE = insert(TENANTS)
# An update that changes nothing, for its lock: no two count at the same time.
_LOCKED = _MADE.on_conflict_do_update(
    index_elements=["tenant_id"], set_={"tenant_id": _MADE.excluded.tenant_id}
).returning(*TENANTS.columns)
_SAVED = sa.update(TENANTS).where(TENANTS.c.tenant_id == sa.bindparam("tenant"))
UPLOADS = sa.table("uploads", sa.column("id", sa.Uuid(as_uuid=False)), sa.column("charged", sa.BigInteger))


class Tenants:
    """The part of a transaction that counts. An upload's row is always locked before its tenant's."""

    def __init__(self, connection: AsyncConnection, limits: Limits) -> None:
        self._connection = connection
        self._limits = limits

    async def tenant(self, tenant_id: str) -> Tenant:
        mine = asdict(Tenant(tenant_id=tenant_id))
        return Tenant(**fields_of((await self._connection.execute(_LOCKED, mine)).one()))

    async def save_tenant(self, tenant: Tenant) -> None:
        await self._connection.execute(_SAVED, asdict(tenant) | {"tenant": tenant.tenant_id})

    async def open(self, upload: Upload) -> None:
        """A new upload counts, as one and for its bytes. Raises Exhausted."""
        tenant = (await self.tenant(upload.tenant_id)).opened(self._limits, upload.create_time)
        await self.save_tenant(tenant.stored(counted(upload, 0), self._limits, upload.update_time))

    async def settle(self, upload: Upload, before: int, after: int, *, ended_empty: bool = False) -> None:
        """It counted for `before` bytes, and counts for `after` from now on. Raises Exhausted."""
        if before != after or ended_empty:
            tenant = await self.tenant(upload.tenant_id)
            await self._count(tenant.dropped(upload) if ended_empty else tenant, upload, before, after)

    async def _count(self, tenant: Tenant, upload: Upload, before: int, after: int) -> None:
        await self.save_tenant(tenant.stored(after - before, self._limits, upload.update_time))
        if after != before:
            mine = sa.update(UPLOADS).where(UPLOADS.c.id == upload.id)
            await self._connection.execute(mine.values(charged=after))
