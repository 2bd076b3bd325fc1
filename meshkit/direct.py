"""Connections that run Statements alone: what SQLAlchemy's engine does around a statement costs more than to run it."""

from __future__ import annotations

import asyncio
import select
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg.pq import TransactionStatus

from meshkit.errors import Unavailable

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

_PATIENCE = 5.0
"""Seconds that somebody waits for a connection while all are in use."""


@dataclass(frozen=True, slots=True)
class Direct:
    """One connection, for as long as one transaction or a few statements take."""

    driver: psycopg.AsyncConnection[Any]
    info: dict[str, Any] = field(default_factory=dict)


class Connections:
    """At most twice `size`, of which `size` are kept; the one that was used last is used first, here and in Postgres.

    Not psycopg's own pool, which waits with growing patience for a server that went away: callers shall hear of it at
    once, and find it again as soon as it is back.
    """

    def __init__(self, url: str, size: int, **options: Any) -> None:
        self._url = url
        self._options = options
        self._size = size
        self._free = asyncio.Semaphore(2 * size)
        self._idle: list[psycopg.AsyncConnection[Any]] = []

    @asynccontextmanager
    async def borrowed(self, *, autocommit: bool = False) -> AsyncIterator[Direct]:
        """Given back when no transaction is left open on it. Raises Unavailable, psycopg.Error."""
        try:
            async with asyncio.timeout(_PATIENCE):
                await self._free.acquire()
        except TimeoutError:
            raise Unavailable("database_unavailable", "all connections are in use") from None
        try:
            driver = await self._taken()
            try:
                if driver.autocommit is not autocommit:
                    await driver.set_autocommit(autocommit)
                yield Direct(driver)
            finally:
                await self._give_back(driver)
        finally:
            self._free.release()

    async def close(self) -> None:
        while self._idle:
            await self._idle.pop().close()

    async def _taken(self) -> psycopg.AsyncConnection[Any]:
        while self._idle:
            if alive(driver := self._idle.pop()):
                return driver
            await driver.close()
        return await psycopg.AsyncConnection.connect(self._url, **self._options)

    async def _give_back(self, driver: psycopg.AsyncConnection[Any]) -> None:
        if driver.pgconn.transaction_status == TransactionStatus.IDLE and len(self._idle) < self._size:
            self._idle.append(driver)
        else:
            await driver.close()


def alive(driver: psycopg.AsyncConnection[Any]) -> bool:
    """Whether its server did not close it: then there would be something to read on it though nothing was asked.

    To ask, as pools do of themselves, is a round trip for every transaction.
    """
    if driver.closed:
        return False
    waiting = select.poll()
    waiting.register(driver.fileno(), select.POLLIN)
    return not waiting.poll(0)
