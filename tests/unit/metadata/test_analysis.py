"""What an outside service may see of assets, and what becomes of its answers; over fakes."""

from __future__ import annotations

from dataclasses import replace

import pytest

from meshkit.errors import NotFound
from meshkit.ids import new_id
from services.metadata.analyses import Analyses
from services.metadata.analysis import AnalysisState
from services.metadata.audit import PLATFORM, Action
from services.metadata.domain import Asset, Fact, State, Visibility
from tests.fakes.metadata import NOW, FakeObjects, FakeStore, an_asset

TENANT = new_id()


class Mesh:
    def __init__(self) -> None:
        self.store = FakeStore()
        self.analyses = Analyses(self.store, FakeObjects(), lambda: NOW)

    def has(self, asset: Asset) -> Asset:
        self.store.rows[asset.id] = asset
        return asset

    def state(self, asset: Asset) -> tuple[AnalysisState | None, str]:
        analysis = self.store.rows[asset.id].analysis
        return (analysis.state, analysis.error_code) if analysis else (None, "")


@pytest.fixture
def mesh() -> Mesh:
    return Mesh()


async def test_a_private_source_is_shown_on_record(mesh: Mesh) -> None:
    asset = mesh.has(an_asset(TENANT))
    opened, url, _ = await mesh.analyses.open(TENANT, asset.id)
    assert url == f"https://objects.example/{asset.object_key}?expires_in=3600"
    assert opened.analysis
    assert opened.analysis.state is AnalysisState.PENDING
    again, _, _ = await mesh.analyses.open(TENANT, asset.id)
    assert again == opened
    assert [(each.action, each.subject) for each in mesh.store.records] == [(Action.ANALYSIS, PLATFORM)]
    assert [(line.fact, line.changed) for line in mesh.store.lines] == [(Fact.UPDATED, ("analysis",))]


async def test_a_public_one_leaves_no_record(mesh: Mesh) -> None:
    asset = mesh.has(replace(an_asset(TENANT), visibility=Visibility.PUBLIC))
    await mesh.analyses.open(TENANT, asset.id)
    assert mesh.store.records == []


@pytest.mark.parametrize(
    ("changes", "reason"),
    [({"state": State.DELETED}, "asset_not_found"), ({"source_delete_time": NOW}, "source_deleted")],
)
async def test_what_is_gone_is_not_shown(mesh: Mesh, changes: dict[str, object], reason: str) -> None:
    asset = mesh.has(replace(an_asset(TENANT), **changes))  # type: ignore[arg-type]
    with pytest.raises(NotFound, match=reason):
        await mesh.analyses.open(TENANT, asset.id)
    with pytest.raises(NotFound, match="asset_not_found"):
        await mesh.analyses.open(new_id(), asset.id)


async def test_an_answer_comes_once_and_even_after_a_failure(mesh: Mesh) -> None:
    asset = mesh.has(an_asset(TENANT))
    await mesh.analyses.open(TENANT, asset.id)
    await mesh.analyses.fail(TENANT, asset.id, "timeout", "too late")
    assert mesh.state(asset) == (AnalysisState.ERRORED, "timeout")
    await mesh.analyses.answer(TENANT, asset.id, "[1]")
    for _ in range(2):
        await mesh.analyses.answer(TENANT, asset.id, "[2]")
        await mesh.analyses.fail(TENANT, asset.id, "timeout", "too late")
    assert (await mesh.analyses.answered(TENANT, asset.id))[1] == "[1]"
    assert mesh.state(asset) == (AnalysisState.READY, "")
    assert await mesh.analyses.open(TENANT, asset.id) == (mesh.store.rows[asset.id], "", NOW)
    assert mesh.store.rows[asset.id].state is asset.state


async def test_what_failed_is_pending_when_it_is_asked_again(mesh: Mesh) -> None:
    asset = mesh.has(an_asset(TENANT))
    await mesh.analyses.fail(TENANT, asset.id, "hook_deleted", "")
    await mesh.analyses.open(TENANT, asset.id)
    assert mesh.state(asset) == (AnalysisState.PENDING, "")


async def test_a_deletion_ends_it(mesh: Mesh) -> None:
    asset = mesh.has(an_asset(TENANT))
    opened, _, _ = await mesh.analyses.open(TENANT, asset.id)
    deleted = mesh.has(opened.delete(NOW))
    assert mesh.state(deleted) == (AnalysisState.ERRORED, "asset_deleted")
    await mesh.analyses.answer(TENANT, asset.id, "[1]")
    await mesh.analyses.answer(TENANT, new_id(), "[1]")
    assert mesh.state(deleted) == (AnalysisState.ERRORED, "asset_deleted")
    assert mesh.store.answers == {}
