"""Sources in Postgres, beside the rows of `store`."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from services.transcode.scheduler.source import Source
from services.transcode.scheduler.tables import SOURCES, to_source

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection


class SourceRows:
    """Of a transaction."""

    _connection: AsyncConnection

    async def add_source(self, source: Source) -> Source:
        # An update that changes nothing, for the row that was there.
        new = insert(SOURCES).values(asdict(source))
        kept = new.on_conflict_do_update(index_elements=["asset_id"], set_={"asset_id": new.excluded.asset_id})
        return to_source((await self._connection.execute(kept.returning(*SOURCES.columns))).one())

    async def source(self, tenant_id: str, asset_id: str, *, lock: bool = False) -> Source | None:
        found = sa.select(SOURCES).where(SOURCES.c.asset_id == asset_id, SOURCES.c.tenant_id == tenant_id)
        row = (await self._connection.execute(found.with_for_update() if lock else found)).first()
        return None if row is None else to_source(row)

    async def delete_source(self, tenant_id: str, asset_id: str) -> None:
        gone = Source(asset_id=asset_id, tenant_id=tenant_id, object_key="", size=0, file_name="", deleted=True)
        statement = insert(SOURCES).values(asdict(gone))
        await self._connection.execute(
            statement.on_conflict_do_update(index_elements=["asset_id"], set_={"deleted": True})
        )

    async def restore_source(self, source: Source) -> None:
        statement = insert(SOURCES).values(asdict(source))
        await self._connection.execute(
            statement.on_conflict_do_update(index_elements=["asset_id"], set_={"deleted": False})
        )
