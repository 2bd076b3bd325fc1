"""Postgres: one schema and one role per service, one transaction per call or message."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import TYPE_CHECKING, Any

import psycopg
import sqlalchemy as sa
from psycopg import sql
from sqlalchemy.exc import DBAPIError, DisconnectionError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from meshkit.direct import Connections, Direct, alive
from meshkit.errors import Unavailable

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator, Mapping

# By its own judgement it plans anew each time what gets arrays, which takes longer than to do it; and a plan that was
# made while a table was small reads the whole of it once it is large. What no index serves looks so dear then, before
# Postgres 18, that it would be compiled.
_PLANNED_ONCE = " -c plan_cache_mode=force_generic_plan -c enable_seqscan=off -c jit=off"
STATEMENT_TIMEOUT = 15.0
"""Seconds; a statement that takes longer is ended by the server."""


class Database:
    """A pool of connections in one service's schema.

    With `planned_once` Postgres plans each statement once, for any parameters and any size of its tables: for a service
    whose every statement is a look into an index.
    """

    def __init__(self, url: str, *, pool_size: int = 8, planned_once: bool = False) -> None:
        self.emitted = asyncio.Event()
        """Set after each commit that put something in the outbox."""
        timeout = int(STATEMENT_TIMEOUT * 1000)
        connect: dict[str, Any] = {
            "connect_timeout": 5,
            "options": f"-c statement_timeout={timeout} -c idle_in_transaction_session_timeout={2 * timeout}"
            + planned_once * _PLANNED_ONCE,
        }
        self._engine = create_async_engine(
            sqlalchemy_url(url),
            pool_size=pool_size,
            max_overflow=pool_size,
            pool_timeout=5,
            # The connection used last has its statements prepared, and its server's caches warm.
            pool_use_lifo=True,
            connect_args=connect,
        )
        self._direct = Connections(url, pool_size, **connect)
        sa.event.listen(self._engine.sync_engine, "checkout", _check_alive)
        self._autocommit = self._engine.execution_options(isolation_level="AUTOCOMMIT")

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncConnection]:
        """Commits at the end, rolls back on any error. Raises Unavailable when the database is not there."""
        with _unavailable():
            async with self._engine.begin() as connection:
                # Of a transaction before it on this connection, which was rolled back.
                connection.info.pop("after", None)
                yield connection
                done = {name: connection.info.pop(name, None) for name in ("emitted", "after")}
        self._committed(done)

    @asynccontextmanager
    async def direct(self) -> AsyncIterator[Direct]:
        """As `transaction`, for Statements alone, and much cheaper."""
        with _unavailable():
            async with self._direct.borrowed() as connection:
                try:
                    yield connection
                except BaseException:
                    # One that cannot is not used again.
                    with suppress(psycopg.Error):
                        await connection.driver.rollback()
                    raise
                await connection.driver.commit()
        self._committed(connection.info)

    @asynccontextmanager
    async def direct_autocommit(self) -> AsyncIterator[Direct]:
        """As `autocommit`, for Statements alone, and much cheaper."""
        with _unavailable():
            async with self._direct.borrowed(autocommit=True) as connection:
                yield connection
        self._committed(connection.info)

    @asynccontextmanager
    async def autocommit(self) -> AsyncIterator[AsyncConnection]:
        """Each statement is a transaction by itself, without the round trips that begin and commit one.

        For statements that emit nothing. Raises Unavailable.
        """
        with _unavailable():
            async with self._autocommit.connect() as connection:
                connection.info.pop("after", None)
                yield connection
                after = connection.info.pop("after", None)
        self._committed({"after": after})

    async def ping(self) -> None:
        """Raises Unavailable when the database does not answer."""
        async with self.transaction() as connection:
            await connection.execute(sa.text("SELECT 1"))

    async def close(self) -> None:
        await self._engine.dispose()
        await self._direct.close()

    def _committed(self, info: Mapping[str, Any]) -> None:
        if info.get("emitted"):
            self.emitted.set()
        for each in info.get("after") or ():
            each()


@contextmanager
def _unavailable() -> Iterator[None]:
    try:
        yield
    except (OperationalError, InterfaceError, PoolTimeoutError, psycopg.OperationalError) as error:
        raise Unavailable("database_unavailable") from error
    except DBAPIError as error:
        if error.connection_invalidated:
            raise Unavailable("database_unavailable") from error
        raise


def after_commit(connection: AsyncConnection | Direct, call: Callable[[], None]) -> None:
    """Do that when the transaction has committed, and not at all if it does not; in autocommit, when all went well."""
    connection.info.setdefault("after", []).append(call)


def _check_alive(connection: Any, *_: object) -> None:
    """Leave a connection that its server closed, without the round trip of SQLAlchemy's `pool_pre_ping`."""
    if not alive(connection.driver_connection):
        raise DisconnectionError("closed by the server")


def fields_of(row: sa.Row[Any]) -> dict[str, Any]:
    """A row's values by column name."""
    return dict(row._mapping)  # noqa: SLF001 - SQLAlchemy's public name for it


def sqlalchemy_url(url: str) -> str:
    """The same `postgresql://` URL, naming the psycopg driver."""
    return url.replace("postgresql://", "postgresql+psycopg://", 1)


def provision(admin_url: str, service: str, password: str) -> None:
    """Make the role `reelmesh_<service>` and its schema, or set the role's password anew. Idempotent."""
    role, schema = sql.Identifier(f"reelmesh_{service}"), sql.Identifier(service)
    with psycopg.connect(admin_url, autocommit=True) as connection:
        exists = connection.execute("SELECT FROM pg_roles WHERE rolname = %s", [f"reelmesh_{service}"]).fetchone()
        verb = sql.SQL("ALTER" if exists is not None else "CREATE")
        connection.execute(sql.SQL("{} ROLE {} LOGIN PASSWORD {}").format(verb, role, sql.Literal(password)))
        connection.execute(sql.SQL("CREATE SCHEMA IF NOT EXISTS {} AUTHORIZATION {}").format(schema, role))
        connection.execute(sql.SQL("ALTER ROLE {} SET search_path = {}").format(role, schema))
