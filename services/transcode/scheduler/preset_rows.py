"""Tenants' presets in Postgres."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from services.transcode.media.preset import Preset
from services.transcode.scheduler.custom import Custom
from services.transcode.scheduler.tables import PRESETS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.ext.asyncio import AsyncConnection


class PresetRows:
    """A part of a transaction."""

    _connection: AsyncConnection

    async def preset(self, tenant_id: str, name: str) -> Custom | None:
        found = sa.select(PRESETS).where(PRESETS.c.tenant_id == tenant_id, PRESETS.c.name == name)
        row = (await self._connection.execute(found)).first()
        return None if row is None else _custom(row)

    async def presets(self, tenant_id: str) -> Sequence[Custom]:
        found = sa.select(PRESETS).where(PRESETS.c.tenant_id == tenant_id).order_by(PRESETS.c.name)
        return [_custom(row) for row in await self._connection.execute(found)]

    async def save_preset(self, custom: Custom) -> None:
        keys = {"tenant_id": custom.tenant_id, "name": custom.preset.name}
        said = {
            "recipe": custom.preset.to_json(),
            "revision": custom.revision,
            "create_time": custom.create_time,
            "update_time": custom.update_time,
        }
        statement = insert(PRESETS).values(keys | said).on_conflict_do_update(index_elements=list(keys), set_=said)
        await self._connection.execute(statement)

    async def delete_preset(self, tenant_id: str, name: str) -> None:
        gone = sa.delete(PRESETS).where(PRESETS.c.tenant_id == tenant_id, PRESETS.c.name == name)
        await self._connection.execute(gone)

    async def lock_presets(self, tenant_id: str) -> None:
        key = sa.func.hashtextextended(f"presets:{tenant_id}", 0)
        await self._connection.execute(sa.select(sa.func.pg_advisory_xact_lock(key)))


def _custom(row: sa.Row[tuple[object, ...]]) -> Custom:
    values = row._mapping  # noqa: SLF001 - as SQLAlchemy calls it
    return Custom(
        tenant_id=values["tenant_id"],
        preset=Preset.from_json(values["recipe"]),
        revision=values["revision"],
        create_time=values["create_time"],
        update_time=values["update_time"],
    )
