"""Statements that are compiled once, for what a service does hundreds of times a second.

SQLAlchemy spends longer on compiling a small statement and wrapping its rows than psycopg does on running it. A
Statement is written like any other, and keeps its text, the types of its parameters and of its columns.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import psycopg
from sqlalchemy.dialects.postgresql.psycopg import dialect as psycopg_dialect
from sqlalchemy.exc import OperationalError

from meshkit.direct import Direct

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from sqlalchemy.engine import Dialect
    from sqlalchemy.ext.asyncio import AsyncConnection
    from sqlalchemy.sql.base import Executable
    from sqlalchemy.sql.elements import ColumnElement
    from sqlalchemy.types import TypeEngine

_FLOAT8 = 701
"""The OID that SQLAlchemy wants to see for a number; other types do not look at it."""
_DIALECT: Dialect = psycopg_dialect()  # type: ignore[no-untyped-call]  # typed from SQLAlchemy 2.2 on


class Statement:
    """`run` takes its bind parameters by name; those that the statement itself gives a value have that."""

    def __init__(self, statement: Executable) -> None:
        compiled: Any = statement.compile(dialect=_DIALECT)  # type: ignore[attr-defined]  # every Executable of ours has it
        self._text = str(compiled)
        self._values = dict(compiled.params)
        self._encode = {name: encode for name, bind in compiled.binds.items() if (encode := _encoder(bind.type))}
        columns = _columns(statement)
        self._returns = bool(columns)
        self._decode = [(place, decode) for place, column in enumerate(columns) if (decode := _decoder(column.type))]

    async def run(self, connection: AsyncConnection | Direct, **values: Any) -> list[tuple[Any, ...]]:
        """The rows, in the transaction of `connection`. Raises OperationalError when the database is gone."""
        bound = self._bound(values)
        driver = await _driver(connection)
        try:
            cursor = await driver.execute(self._text, bound)
            rows = await cursor.fetchall() if self._returns else []
        except psycopg.OperationalError as error:
            raise self._failed(driver, error) from error
        return [self._decoded(row) for row in rows] if self._decode else rows

    async def run_each(self, connection: AsyncConnection | Direct, rows: Sequence[Mapping[str, Any]]) -> None:
        """Once for each of `rows`, in one round trip; it gives none back. Raises as `run` does."""
        bound = [self._bound(values) for values in rows]
        driver = await _driver(connection)
        try:
            await driver.cursor().executemany(self._text, bound)
        except psycopg.OperationalError as error:
            raise self._failed(driver, error) from error

    async def first(self, connection: AsyncConnection | Direct, **values: Any) -> tuple[Any, ...] | None:
        """The first row, if there is one."""
        return next(iter(await self.run(connection, **values)), None)

    def _bound(self, values: Mapping[str, Any]) -> dict[str, Any]:
        if unknown := values.keys() - self._values.keys():
            raise TypeError(f"the statement has no parameter {sorted(unknown)}")
        bound = {**self._values, **values}
        for name, encode in self._encode.items():
            bound[name] = encode(bound[name])
        return bound

    def _failed(self, driver: Any, error: psycopg.OperationalError) -> OperationalError:
        return OperationalError(self._text, None, error, connection_invalidated=driver.closed)

    def _decoded(self, row: tuple[Any, ...]) -> tuple[Any, ...]:
        values = list(row)
        for place, decode in self._decode:
            if values[place] is not None:
                values[place] = decode(values[place])
        return tuple(values)


async def _driver(connection: AsyncConnection | Direct) -> Any:
    if isinstance(connection, Direct):
        return connection.driver
    return (await connection.get_raw_connection()).driver_connection


def _columns(statement: Any) -> list[ColumnElement[Any]]:
    return list(getattr(statement, "exported_columns", ()))


def _encoder(kind: TypeEngine[Any]) -> Callable[[Any], Any] | None:
    return kind.dialect_impl(_DIALECT).bind_processor(_DIALECT)


def _decoder(kind: TypeEngine[Any]) -> Callable[[Any], Any] | None:
    return kind.dialect_impl(_DIALECT).result_processor(_DIALECT, _FLOAT8)
