"""What an outside service says of assets, as notify brings it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest_asyncio
import sqlalchemy as sa
from reelmesh.metadata.v1 import analysis_pb2, analysis_pb2_grpc, metadata_pb2, metadata_pb2_grpc

from meshkit.ids import new_id
from services.metadata.analysis_rows import ANSWERS
from tests.integration.metadata.steps import TIMEOUT, an_upload, get, refusal, taken_in
from tests.serving import called

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from meshkit.db import Database
    from meshkit.nats import Bus

    Stub = metadata_pb2_grpc.MetadataServiceAsyncStub
    Analyses = analysis_pb2_grpc.AnalysisServiceAsyncStub

Analysis = metadata_pb2.Analysis


@pytest_asyncio.fixture(loop_scope="session")
async def analyses(address: str) -> AsyncIterator[Analyses]:
    async with called(address, analysis_pb2.DESCRIPTOR, new_id(), "assets:analyse") as channel:
        yield analysis_pb2_grpc.AnalysisServiceStub(channel)


async def end(analyses: Analyses, asset: metadata_pb2.Asset, result: str | analysis_pb2.AnalysisFailure) -> None:
    request = analysis_pb2.EndAnalysisRequest(tenant_id=asset.tenant_id, asset_id=asset.id)
    if isinstance(result, str):
        request.answer = result
    else:
        request.failure.CopyFrom(result)
    await analyses.EndAnalysis(request, timeout=TIMEOUT)


def opening(asset: metadata_pb2.Asset) -> analysis_pb2.OpenAnalysisRequest:
    return analysis_pb2.OpenAnalysisRequest(tenant_id=asset.tenant_id, asset_id=asset.id)


async def test_the_first_answer_stays(bus: Bus, assets: Stub, analyses: Analyses, tenant: str) -> None:
    made = await taken_in(bus, assets, an_upload(tenant))
    opened = await analyses.OpenAnalysis(opening(made), timeout=TIMEOUT)
    assert opened.source_url
    assert opened.asset.analysis.state == Analysis.STATE_PENDING
    failure = analysis_pb2.AnalysisFailure(code="timeout", message="too late")
    await end(analyses, made, failure)
    failed = await get(assets, made.id)
    assert (failed.analysis.state, failed.analysis.error_code) == (Analysis.STATE_ERRORED, "timeout")
    assert failed.etag != opened.asset.etag
    for answer in ("[1]", "[2]"):
        await end(analyses, made, answer)
    await end(analyses, made, failure)
    shown = await get(assets, made.id)
    assert (shown.analysis.state, shown.analysis.answer) == (Analysis.STATE_READY, "[1]")
    assert shown.state == made.state
    again = await analyses.OpenAnalysis(opening(made), timeout=TIMEOUT)
    assert again.source_url == ""


async def test_a_deleted_asset_is_not_shown_and_gets_no_answer(
    bus: Bus, assets: Stub, analyses: Analyses, tenant: str
) -> None:
    made = await taken_in(bus, assets, an_upload(tenant))
    await analyses.OpenAnalysis(opening(made), timeout=TIMEOUT)
    await assets.DeleteAsset(metadata_pb2.DeleteAssetRequest(asset_id=made.id), timeout=TIMEOUT)
    assert await refusal(analyses.OpenAnalysis(opening(made), timeout=TIMEOUT)) == ("asset_not_found", 404)
    await end(analyses, made, "[1]")
    restored = (await assets.RestoreAsset(metadata_pb2.RestoreAssetRequest(asset_id=made.id), timeout=TIMEOUT)).asset
    assert (restored.analysis.state, restored.analysis.error_code) == (Analysis.STATE_ERRORED, "asset_deleted")
    assert (await analyses.OpenAnalysis(opening(made), timeout=TIMEOUT)).source_url


async def test_an_answer_goes_with_its_asset(
    bus: Bus, assets: Stub, analyses: Analyses, tenant: str, database: Callable[[str], Awaitable[Database]]
) -> None:
    made = await taken_in(bus, assets, an_upload(tenant))
    await end(analyses, made, '{"secret":1}')
    await assets.DeleteAsset(metadata_pb2.DeleteAssetRequest(asset_id=made.id, hard=True), timeout=TIMEOUT)
    async with (await database("metadata")).transaction() as connection:
        left = await connection.execute(sa.select(ANSWERS).where(ANSWERS.c.asset_id == made.id))
        assert left.all() == []
    await end(analyses, made, "[1]")


async def test_it_is_for_notify_alone_and_names_a_tenants_asset(
    bus: Bus, address: str, assets: Stub, analyses: Analyses, tenant: str
) -> None:
    made = await taken_in(bus, assets, an_upload(tenant))
    async with called(address, analysis_pb2.DESCRIPTOR, tenant, "assets:read", "assets:write") as channel:
        own = analysis_pb2_grpc.AnalysisServiceStub(channel)
        assert await refusal(own.OpenAnalysis(opening(made), timeout=TIMEOUT)) == ("missing_scope", 403)
    foreign = analysis_pb2.OpenAnalysisRequest(tenant_id=new_id(), asset_id=made.id)
    assert await refusal(analyses.OpenAnalysis(foreign, timeout=TIMEOUT)) == ("asset_not_found", 404)
    nothing = analysis_pb2.EndAnalysisRequest(tenant_id=tenant, asset_id=made.id)
    assert await refusal(analyses.EndAnalysis(nothing, timeout=TIMEOUT)) == ("invalid_argument", 400)
