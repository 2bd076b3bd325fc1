"""History, votes, the audit log, retention and removals: the fake store and Postgres keep the same promises."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from meshkit.ids import new_id
from services.metadata import audit, history
from services.metadata.audit import Action, Wanted
from services.metadata.domain import Changes, Fact
from services.metadata.policy import Policy
from services.metadata.ports import Removal
from services.metadata.store import PostgresStore
from services.metadata.tables import AUDIT
from tests.fakes.metadata import NOW, FakeStore, a_job, an_asset

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from meshkit.db import Database
    from services.metadata.ports import Store

DAY = timedelta(days=1)
FOR_EVER = Policy(deleted_days=None)
# Other tests of the same database leave nothing that is older.
LONG_AGO = NOW - 3650 * DAY


@pytest.fixture(params=["fake", "postgres"])
async def store(request: pytest.FixtureRequest, database: Callable[[str], Awaitable[Database]]) -> Store:
    return FakeStore() if request.param == "fake" else PostgresStore(await database("metadata"))


async def test_the_newest_of_a_history_stays(store: Store) -> None:
    asset = an_asset(new_id())
    lines, now = [history.first_line(asset, Fact.CREATED)], asset
    for number in range(4):
        before, now = now, now.update(Changes(passthrough=str(number)), NOW)
        lines.append(history.line(before, now, subject="me"))
    async with store.transaction() as tx:
        await tx.add(asset)
        for line in lines:
            await tx.note(line, keep=3)
    newest = lines[:1:-1]
    async with store.transaction() as tx:
        assert await tx.history(asset.id, before=None, limit=9) == newest
        assert await tx.history(asset.id, before=newest[0].id, limit=1) == newest[1:2]
        assert await tx.history(new_id(), before=None, limit=9) == []


async def test_votes_are_counted_beside_the_asset(store: Store) -> None:
    asset = an_asset(new_id())
    async with store.transaction() as tx:
        await tx.add(asset)
        assert [await tx.vote(asset.id, subject) for subject in ("a", "b", "a")] == [1, 2, 2]
        assert [await tx.withdraw(asset.id, subject) for subject in ("c", "a")] == [2, 1]
        # Whoever read the asset before does not take the votes back.
        await tx.save(asset.update(Changes(passthrough="x"), NOW), Fact.UPDATED)
        kept = await tx.anyones(asset.id)
    assert kept is not None
    assert (kept.votes, kept.passthrough) == (1, "x")


async def test_a_purge_leaves_nothing_of_an_asset(store: Store) -> None:
    asset, other = an_asset(new_id()), an_asset(new_id())
    async with store.transaction() as tx:
        for each in (asset, other):
            await tx.add(each)
            await tx.note(history.first_line(each, Fact.CREATED))
            await tx.vote(each.id, "me")
        await tx.purge(asset)
    async with store.transaction() as tx:
        assert await tx.anyones(asset.id) is None
        assert await tx.history(asset.id, before=None, limit=9) == []
        assert len(await tx.history(other.id, before=None, limit=9)) == 1


async def test_a_policy_is_the_tenants_own(store: Store) -> None:
    tenant = new_id()
    async with store.transaction() as tx:
        assert await tx.policy(tenant) is None
        for policy in (Policy(original_days=0, deleted_days=None), Policy(deleted_days=7)):
            await tx.save_policy(tenant, policy)
            assert await tx.policy(tenant) == policy


async def test_what_is_past_its_time_is_found(store: Store) -> None:
    forever, week, default = new_id(), new_id(), new_id()
    gone = [an_asset(tenant).delete(LONG_AGO) for tenant in (forever, week, default)]
    ready = [each.succeed(a_job(each), LONG_AGO) for each in (an_asset(t) for t in (forever, week, default))]
    async with store.transaction() as tx:
        for asset in gone + ready:
            await tx.add(asset)
        await tx.save_policy(forever, FOR_EVER)
        await tx.save_policy(week, Policy(original_days=7, deleted_days=7))

    async def found(days: int, policy: Policy) -> tuple[set[str], set[str]]:
        now = LONG_AGO + days * DAY
        async with store.transaction() as tx:
            deleted, sources = await tx.overdue(now, policy, 9), await tx.overdue_sources(now, policy, 9)
        return {asset.tenant_id for asset in deleted}, {asset.tenant_id for asset in sources}

    assert await found(6, FOR_EVER) == (set(), set())
    assert await found(7, FOR_EVER) == ({week}, {week})
    assert await found(30, Policy(original_days=30, deleted_days=31)) == ({week}, {week, default})
    async with store.transaction() as tx:
        await tx.save(ready[1].delete_source(NOW), Fact.SOURCE_DELETED)
        await tx.purge(gone[1])
    assert await found(7, FOR_EVER) == (set(), set())
    async with store.transaction() as tx:
        for asset in [gone[0], gone[2], *ready]:
            await tx.purge(asset)


async def test_removals_are_due_until_they_are_forgotten(store: Store) -> None:
    removal = Removal(id=new_id(), tenant_id=new_id(), asset_id=new_id(), prefix="a/", purge=True, due_time=LONG_AGO)
    async with store.transaction() as tx:
        await tx.remove(removal)
        assert await tx.due(LONG_AGO, 9) == [removal]
        assert await tx.removed(removal.tenant_id, removal.asset_id)
        assert not await tx.removed(new_id(), removal.asset_id)
        later = replace(removal, due_time=LONG_AGO + DAY, rounds=1)
        await tx.remove(later)
        assert await tx.due(LONG_AGO, 9) == []
        assert await tx.due(LONG_AGO + DAY, 9) == [later]
        await tx.forget(later)
        assert await tx.due(LONG_AGO + DAY, 9) == []


async def test_the_audit_log_keeps_one_of_many_reads_and_only_grows(
    database: Callable[[str], Awaitable[Database]],
) -> None:
    db, asset = await database("metadata"), an_asset(new_id())
    async with PostgresStore(db).transaction() as tx:
        for subject, seconds in (("me", 0), ("me", 1), ("you", 0), ("me", audit.WINDOW)):
            await tx.record(audit.read(asset, Action.STREAM, subject, NOW + timedelta(seconds=seconds)))
        for _ in range(2):
            await tx.record(audit.deletion(asset, Action.DELETE, "me", NOW))
    async with db.transaction() as connection:
        rows = await connection.execute(sa.select(AUDIT.c.action).where(AUDIT.c.asset_id == asset.id))
        assert sorted(rows.scalars()) == ["delete"] * 2 + ["stream"] * 3
    for statement in (sa.update(AUDIT).values(subject=""), sa.delete(AUDIT)):
        with pytest.raises(DBAPIError, match="only grows"):
            async with db.transaction() as connection:
                await connection.execute(statement)


async def test_the_audit_log_is_read_newest_first(store: Store) -> None:
    tenant = new_id()
    asset, other = an_asset(tenant), an_asset(tenant)
    made = [
        audit.deletion(asset, Action.DELETE, "me", NOW),
        audit.deletion(other, Action.DELETE, "you", NOW),
        audit.deletion(asset, Action.RESTORE, "you", NOW),
    ]
    async with store.transaction() as tx:
        for record in [*made, audit.deletion(an_asset(new_id()), Action.DELETE, "me", NOW)]:
            await tx.record(record)

        async def found(**wanted: str) -> list[audit.Record]:
            return list(await tx.audited(tenant, Wanted(**wanted), before=None, limit=9))

        assert await found() == made[::-1]
        assert await found(asset_id=asset.id) == [made[2], made[0]]
        assert await found(subject="you", action="delete") == [made[1]]
        assert list(await tx.audited(tenant, Wanted(), before=made[2].id, limit=1)) == [made[1]]
