"""What outside services said of assets, in Postgres: long texts, which only who asks for one asset reads."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection

ANSWERS = sa.Table(
    "answers",
    sa.MetaData(),
    sa.Column("asset_id", sa.Uuid(as_uuid=False), primary_key=True),
    sa.Column("answer", sa.Text),
)


class AnalysisRows:
    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def keep_answer(self, asset_id: str, answer: str) -> None:
        statement = insert(ANSWERS).values(asset_id=asset_id, answer=answer)
        await self._connection.execute(statement.on_conflict_do_nothing(index_elements=["asset_id"]))

    async def answer(self, asset_id: str) -> str:
        found = sa.select(ANSWERS.c.answer).where(ANSWERS.c.asset_id == asset_id)
        return str((await self._connection.execute(found)).scalar_one())
