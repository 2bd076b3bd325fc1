"""A pool whose server closed its connections, and statements that are compiled once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from meshkit.db import Database, after_commit
from meshkit.errors import NotFound, Unavailable
from meshkit.ids import new_id
from meshkit.statements import Statement

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

THINGS = sa.Table(
    "things",
    sa.MetaData(),
    sa.Column("id", sa.Uuid(as_uuid=False), primary_key=True),
    sa.Column("facts", JSONB),
    sa.Column("weight", sa.Double),
    prefixes=["TEMPORARY"],
)
ID = sa.bindparam("thing_id", type_=THINGS.c.id.type)
FIND = Statement(sa.select(THINGS).where(THINGS.c.id == ID))
ADD = Statement(sa.insert(THINGS))
WEIGH = Statement(
    sa.update(THINGS).where(THINGS.c.id == ID).values(weight=THINGS.c.weight * 2).returning(THINGS.c.weight)
)
MY_PID = sa.select(sa.func.pg_backend_pid())
PID = Statement(MY_PID)
ALL = Statement(sa.select(THINGS))
END = sa.text("SELECT pg_terminate_backend(pid, 5000) FROM unnest(CAST(:pids AS integer[])) AS pid")


@pytest.fixture
async def db(database_url: Callable[[str], Awaitable[str]]) -> AsyncIterator[Database]:
    made = Database(await database_url("identity"))
    yield made
    await made.close()


async def end_backends(db: Database, killer: Database) -> None:
    """The server ends the connections that lie in the pool of `db`."""
    async with db.transaction() as one, db.transaction() as other:
        pids = [(await each.execute(MY_PID)).scalar_one() for each in (one, other)]
    async with killer.transaction() as connection:
        await connection.execute(END, {"pids": pids})


async def test_connections_that_the_server_closed_are_replaced(
    db: Database, database_url: Callable[[str], Awaitable[str]]
) -> None:
    killer = Database(await database_url("identity"))
    await end_backends(db, killer)
    await killer.close()
    for _ in range(3):
        await db.ping()


async def test_a_connection_that_goes_while_it_is_used_is_unavailable_and_then_replaced(db: Database) -> None:
    async def interrupted() -> None:
        async with db.transaction() as connection, db.transaction() as killer:
            pid = (await connection.execute(MY_PID)).scalar_one()
            await killer.execute(END, {"pids": [pid]})
            await FIND.run(connection, thing_id=new_id())

    with pytest.raises(Unavailable):
        await interrupted()
    await db.ping()


async def test_direct_connections_are_used_again_until_their_server_closes_them(db: Database) -> None:
    async def pid() -> int:
        async with db.direct_autocommit() as connection:
            [(found,)] = await PID.run(connection)
        return int(found)

    first = await pid()
    async with db.direct() as connection:
        assert await PID.run(connection) == [(first,)]
        assert await pid() != first
    async with db.transaction() as killer:
        await killer.execute(END, {"pids": [first]})
    async with db.direct() as connection, db.direct() as other:
        assert [(first,)] not in (await PID.run(connection), await PID.run(other))


async def test_a_direct_transaction_is_all_or_nothing(db: Database) -> None:
    heard: list[str] = []

    async def end(*, well: bool) -> None:
        async with db.direct() as connection:
            await ADD.run(connection, id=new_id(), facts=None, weight=1.0)
            after_commit(connection, lambda: heard.append("committed"))
            connection.info["emitted"] = True
            if not well:
                raise NotFound("test", "")

    async with db.direct() as connection:
        await connection.driver.execute("CREATE TEMPORARY TABLE things (id uuid, facts jsonb, weight double precision)")
    with pytest.raises(NotFound):
        await end(well=False)
    assert not heard
    assert not db.emitted.is_set()
    await end(well=True)
    assert heard == ["committed"]
    assert db.emitted.is_set()
    async with db.direct_autocommit() as connection:
        assert len(await ALL.run(connection)) == 1


async def test_a_direct_connection_that_goes_while_it_is_used_is_unavailable_and_then_replaced(db: Database) -> None:
    async def interrupted() -> None:
        async with db.direct() as connection, db.transaction() as killer:
            [(pid,)] = await PID.run(connection)
            await killer.execute(END, {"pids": [pid]})
            await PID.run(connection)

    with pytest.raises(Unavailable):
        await interrupted()
    async with db.direct() as connection:
        assert await PID.run(connection)


async def test_a_statement_gives_and_takes_what_its_columns_hold(db: Database) -> None:
    one, other = new_id(), new_id()
    async with db.transaction() as connection:
        await connection.run_sync(THINGS.create)
        await ADD.run(connection, id=one, facts={"codec": "h264", "sizes": [1, 2]}, weight=1.5)
        await ADD.run(connection, id=other, facts=None, weight=None)
        assert await FIND.run(connection, thing_id=one) == [(one, {"codec": "h264", "sizes": [1, 2]}, 1.5)]
        assert await FIND.first(connection, thing_id=other) == (other, None, None)
        assert await FIND.first(connection, thing_id=new_id()) is None
        assert await WEIGH.run(connection, thing_id=one) == [(3.0,)]
        await connection.run_sync(THINGS.drop)


async def test_a_statement_knows_its_parameters(db: Database) -> None:
    async with db.transaction() as connection:
        with pytest.raises(TypeError, match="asset_id"):
            await FIND.run(connection, thing_id=new_id(), asset_id=new_id())


async def test_statements_can_be_planned_once(database_url: Callable[[str], Awaitable[str]]) -> None:
    db = Database(await database_url("identity"), planned_once=True)
    async with db.transaction() as connection:
        said = [await connection.scalar(sa.text(f"SHOW {name}")) for name in ("plan_cache_mode", "enable_seqscan")]
    assert said == ["force_generic_plan", "off"]
    await db.close()
