"""Hard deletion, retention and votes, over fakes."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from meshkit.errors import Conflict, NotFound, Unavailable
from meshkit.ids import new_id
from services.metadata.audit import PLATFORM, Action
from services.metadata.domain import Asset, Fact, Visibility
from services.metadata.policy import Policy
from services.metadata.removals import AGAIN, LEASE, NOTICE, Removals
from services.metadata.retention import Retention
from services.metadata.service import Assets
from services.metadata.votes import Votes
from tests.fakes.metadata import NOW, FakeObjects, FakeStore, a_job, an_asset

TENANT = new_id()
DAY = timedelta(days=1)


class Mesh:
    """Everything over one store and one clock."""

    def __init__(self) -> None:
        self.now, self.store, self.objects = NOW, FakeStore(), FakeObjects()
        self.assets = Assets(self.store, self.clock)
        self.removals = Removals(self.store, self.objects, self.clock)
        self.retention = Retention(self.store, Policy(deleted_days=30), self.clock)
        self.votes = Votes(self.store)

    def clock(self) -> datetime:
        return self.now

    async def has(self, asset: Asset) -> Asset:
        async with self.store.transaction() as tx:
            await tx.add(asset)
        return asset

    async def after(self, wait: timedelta) -> list[str]:
        """What was removed until then."""
        self.now += wait
        await self.removals.run_once()
        removed, self.objects.removed = self.objects.removed, []
        return removed


@pytest.fixture
def mesh() -> Mesh:
    return Mesh()


async def test_a_hard_deleted_asset_is_gone_and_its_objects_follow(mesh: Mesh) -> None:
    asset = await mesh.has(an_asset(TENANT))
    for _ in range(2):
        assert await mesh.assets.delete(TENANT, asset.id, "", "me", hard=True) is None
    with pytest.raises(NotFound):
        await mesh.assets.get(TENANT, asset.id)
    with pytest.raises(NotFound):
        await mesh.assets.delete(new_id(), asset.id, "", "me", hard=True)
    assert [fact for fact, _ in mesh.store.said] == [Fact.CREATED, Fact.DELETED]
    assert [(each.action, each.subject) for each in mesh.store.records] == [(Action.HARD_DELETE, "me")]
    assert await mesh.after(timedelta(0)) == []
    assert await mesh.after(NOTICE) == [f"assets/{asset.id}/"]
    assert mesh.store.purged == [asset.id]
    # Once more, for what came after; and then no more.
    assert await mesh.after(AGAIN) == [f"assets/{asset.id}/"]
    assert await mesh.after(AGAIN) == []
    assert (mesh.store.purged, mesh.store.removals) == ([asset.id], {})


async def test_a_removal_that_failed_is_tried_again(mesh: Mesh) -> None:
    asset = await mesh.has(an_asset(TENANT).delete(NOW))
    await mesh.assets.delete(TENANT, asset.id, "", "me", hard=True)
    mesh.objects.failure = Unavailable("objects_unavailable")
    with pytest.raises(Unavailable):
        await mesh.after(NOTICE)
    assert mesh.store.purged == []
    mesh.objects.failure = None
    assert await mesh.after(timedelta(0)) == []
    assert await mesh.after(LEASE) == [f"assets/{asset.id}/"]
    assert mesh.store.purged == [asset.id]


async def test_a_folder_that_may_be_others_too_stays(mesh: Mesh) -> None:
    asset = await mesh.has(an_asset(TENANT, object_key="shared/source.mp4"))
    await mesh.assets.delete(TENANT, asset.id, "", "me", hard=True)
    assert await mesh.after(NOTICE) == ["shared/source.mp4"]


async def test_what_was_deleted_long_ago_goes(mesh: Mesh) -> None:
    asset = await mesh.has(an_asset(TENANT).delete(NOW))
    mesh.now += 29 * DAY
    await mesh.retention.run_once()
    assert asset.id in mesh.store.rows
    mesh.now += DAY
    await mesh.retention.run_once()
    assert asset.id not in mesh.store.rows
    assert [(each.action, each.subject) for each in mesh.store.records] == [(Action.HARD_DELETE, PLATFORM)]
    assert await mesh.after(NOTICE) == [asset.folder]


async def test_a_tenants_own_policy_takes_sources_of_ready_assets(mesh: Mesh) -> None:
    made = an_asset(TENANT)
    ready, underway = await mesh.has(made.succeed(a_job(made), NOW)), await mesh.has(an_asset(TENANT))
    mesh.now += 400 * DAY
    await mesh.retention.run_once()
    assert await mesh.retention.policy(TENANT) == Policy(deleted_days=30)
    await mesh.retention.change(TENANT, Policy(original_days=3, deleted_days=None))
    for _ in range(2):
        await mesh.retention.run_once()
    assert [fact for fact, _ in mesh.store.said] == [Fact.CREATED, Fact.CREATED, Fact.SOURCE_DELETED]
    assert (await mesh.assets.get(TENANT, ready.id)).present().playable
    assert (await mesh.assets.get(TENANT, underway.id)).source() == underway
    assert await mesh.after(NOTICE) == [ready.object_key]
    assert mesh.store.purged == []


async def test_each_user_has_one_vote(mesh: Mesh) -> None:
    asset = await mesh.has(an_asset(TENANT, visibility=Visibility.PUBLIC))
    users = [new_id() for _ in range(3)]
    # Of any tenant, again and again.
    await asyncio.gather(*[mesh.votes.cast(new_id(), asset.id, user) for user in users * 2])
    assert await mesh.votes.withdraw(TENANT, asset.id, users[0]) == 2
    assert await mesh.votes.withdraw(TENANT, asset.id, users[0]) == 2
    assert await mesh.votes.cast(TENANT, asset.id, users[0]) == 3
    kept = await mesh.assets.get(TENANT, asset.id)
    assert (kept.votes, kept.etag) == (3, asset.etag)


async def test_only_what_is_public_is_voted_for(mesh: Mesh) -> None:
    private = await mesh.has(an_asset(TENANT))
    with pytest.raises(Conflict, match="not_public"):
        await mesh.votes.cast(TENANT, private.id, "me")
    gone = replace(an_asset(TENANT, visibility=Visibility.PUBLIC)).delete(NOW)
    for tenant, asset_id in ((new_id(), private.id), (TENANT, (await mesh.has(gone)).id), (TENANT, new_id())):
        with pytest.raises(NotFound):
            await mesh.votes.cast(tenant, asset_id, "me")
