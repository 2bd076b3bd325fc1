"""What tenants have and may have, in Postgres."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from meshkit.statements import Statement
from services.upload.quotas import Tenant, counted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from meshkit.direct import Direct
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
_NAMES = [column.name for column in TENANTS.columns]
_TENANT = sa.bindparam("tenant", type_=TENANTS.c.tenant_id.type)
TEMPLATE = Statement(sa.select(TENANTS.c.object_key_template).where(TENANTS.c.tenant_id == _TENANT))
_SAVED = Statement(
    sa.update(TENANTS)
    .where(TENANTS.c.tenant_id == _TENANT)
    .values({column.name: sa.bindparam(column.name, type_=column.type) for column in list(TENANTS.columns)[1:]})
)
UPLOADS = sa.table("uploads", sa.column("id", sa.Uuid(as_uuid=False)), sa.column("charged", sa.BigInteger))
_CHARGE = Statement(
    sa.update(UPLOADS)
    .where(UPLOADS.c.id == sa.bindparam("one", type_=UPLOADS.c.id.type))
    .values(charged=sa.bindparam("charged", type_=UPLOADS.c.charged.type))
)


def locked(tenants: sa.Select[Any]) -> Statement:
    """The rows of `tenants`, which gives their ids, made where there are none."""
    new = asdict(Tenant(tenant_id=""))
    rest = [column for column in TENANTS.columns if new[column.name] is not None]
    chosen = tenants.add_columns(*(sa.literal(new[column.name], column.type) for column in rest[1:]))
    made = insert(TENANTS).from_select([column.name for column in rest], chosen)
    # An update that changes nothing, for its lock: no two count at the same time.
    return Statement(
        made.on_conflict_do_update(index_elements=["tenant_id"], set_={"tenant_id": made.excluded.tenant_id}).returning(
            *TENANTS.columns
        )
    )


def tenant_of(row: Sequence[Any]) -> Tenant:
    return Tenant(**dict(zip(_NAMES, row, strict=True)))


_LOCKED = locked(sa.select(_TENANT))


class Tenants:
    """The part of a transaction that counts. An upload's row is always locked before its tenant's."""

    def __init__(self, connection: Direct, limits: Limits) -> None:
        self._connection = connection
        self._limits = limits

    async def tenant(self, tenant_id: str) -> Tenant:
        (row,) = await _LOCKED.run(self._connection, tenant=tenant_id)
        return tenant_of(row)

    async def save_tenant(self, tenant: Tenant) -> None:
        values = {name: getattr(tenant, name) for name in _NAMES[1:]}
        await _SAVED.run(self._connection, tenant=tenant.tenant_id, **values)

    async def open(self, upload: Upload, tenant: Tenant) -> None:
        """A new upload counts, as one and for its bytes. Raises Exhausted."""
        opened = tenant.opened(self._limits, upload.create_time)
        await self.save_tenant(opened.stored(counted(upload, 0), self._limits, upload.update_time))

    async def settle(self, upload: Upload, before: int, after: int, *, ended_empty: bool = False) -> None:
        """It counted for `before` bytes, and counts for `after` from now on. Raises Exhausted."""
        if before != after or ended_empty:
            tenant = await self.tenant(upload.tenant_id)
            await self._count(tenant.dropped(upload) if ended_empty else tenant, upload, before, after)

    async def _count(self, tenant: Tenant, upload: Upload, before: int, after: int) -> None:
        await self.save_tenant(tenant.stored(after - before, self._limits, upload.update_time))
        if after != before:
            await _CHARGE.run(self._connection, one=upload.id, charged=after)
