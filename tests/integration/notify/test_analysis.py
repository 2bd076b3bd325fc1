"""Outside services that are asked about assets: real notify, metadata and servers, and answers on real ports."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import httpx2
import pytest
import pytest_asyncio
from grpc.aio import AioRpcError
from reelmesh.metadata.v1 import metadata_pb2, metadata_pb2_grpc
from reelmesh.notify.v1 import analysis_pb2, analysis_pb2_grpc
from reelmesh.upload.v1 import upload_events_pb2

from meshkit.grpc import status
from meshkit.ids import new_id
from services.metadata import main as metadata_main
from services.notify import main as notify_main
from tests.eventually import eventually
from tests.integration.metadata.steps import an_upload
from tests.integration.notify.test_notify import say
from tests.receiver import Receiver, receiving
from tests.serving import called, free_port, identity_server, serving

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from local.infra import Infra
    from meshkit.nats import Bus
    from meshkit.objects import Objects
    from meshkit.settings import S3Settings
    from tests.receiver import Call

    Hooks = analysis_pb2_grpc.AnalysisHookServiceAsyncStub
    Assets = metadata_pb2_grpc.MetadataServiceAsyncStub

KEY = "rmk_the-key-of-notify-itself"
TIMEOUT = 10.0
WITHIN = 60.0
JSON = {"content-type": "application/json"}
Analysis = metadata_pb2.Analysis


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def identity() -> AsyncIterator[str]:
    async with identity_server({KEY: "assets:analyse"}) as address:
        yield address


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def metadata(
    infra: Infra,
    s3_settings: S3Settings,
    identity: str,
    database_url: Callable[[str], Awaitable[str]],
    alone: None,
) -> AsyncIterator[str]:
    settings = metadata_main.Settings(
        grpc_port=free_port(),
        database_url=await database_url("metadata"),
        nats_url=infra.nats_url,
        identity_addr=identity,
        **s3_settings.model_dump(),
    )
    async with serving(metadata_main.main, settings) as address:
        yield address


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def settings(
    infra: Infra, identity: str, metadata: str, database_url: Callable[[str], Awaitable[str]]
) -> notify_main.Settings:
    return notify_main.Settings(
        grpc_port=free_port(),
        database_url=await database_url("notify"),
        nats_url=infra.nats_url,
        identity_addr=identity,
        metadata_addr=metadata,
        service_key=KEY,
        webhook_allow_loopback=True,
        analysis_timeout=1.5,
        analysis_schedule=(0, 0.2, 0.4),
    )


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def notify(settings: notify_main.Settings) -> AsyncIterator[str]:
    async with serving(notify_main.main, settings) as address:
        yield address


class Tenant:
    def __init__(self, tenant_id: str, bus: Bus, objects: Objects, hooks: Hooks, assets: Assets) -> None:
        self.id = tenant_id
        self.hooks = hooks
        self.assets = assets
        self._bus = bus
        self._objects = objects

    async def asks(self, url: str) -> str:
        """The secret."""
        request = analysis_pb2.PutAnalysisHookRequest(url=url)
        return (await self.hooks.PutAnalysisHook(request, timeout=TIMEOUT)).secret

    async def uploads(self, content: bytes = b"moving pictures") -> str:
        """The id of its asset."""
        upload = an_upload(self.id)
        upload.update_time.GetCurrentTime()
        await self._objects.put(upload.object_key, content, "video/quicktime", "")
        await say(self._bus, upload_events_pb2.UploadCompleted(upload=upload))
        return upload.asset_id

    async def asset(self, asset_id: str) -> metadata_pb2.Asset:
        request = metadata_pb2.GetAssetRequest(asset_id=asset_id)
        return (await self.assets.GetAsset(request, timeout=TIMEOUT)).asset

    async def analysed(self, asset_id: str, state: Analysis.State.ValueType) -> Analysis:
        async def come() -> Analysis | None:
            listed = await self.assets.ListAssets(metadata_pb2.ListAssetsRequest(), timeout=TIMEOUT)
            there = any(each.id == asset_id and each.analysis.state == state for each in listed.assets)
            return (await self.asset(asset_id)).analysis if there else None

        found = await eventually(come, within=WITHIN)
        assert found is not None
        return found


@pytest_asyncio.fixture(loop_scope="session")
async def made(bus: Bus, objects: Objects, notify: str, metadata: str) -> AsyncIterator[Callable[[], Any]]:
    @asynccontextmanager
    async def tenant() -> AsyncIterator[Tenant]:
        tenant_id = new_id()
        async with (
            called(notify, analysis_pb2.DESCRIPTOR, tenant_id, "analysis:read", "analysis:write") as hooks,
            called(metadata, metadata_pb2.DESCRIPTOR, tenant_id, "assets:read", "assets:write") as assets,
        ):
            yield Tenant(
                tenant_id,
                bus,
                objects,
                analysis_pb2_grpc.AnalysisHookServiceStub(hooks),
                metadata_pb2_grpc.MetadataServiceStub(assets),
            )

    yield tenant


@pytest_asyncio.fixture(loop_scope="session")
async def tenant(made: Callable[[], Any]) -> AsyncIterator[Tenant]:
    async with made() as one:
        yield one


@pytest_asyncio.fixture(loop_scope="session")
async def service() -> AsyncIterator[Receiver]:
    async with receiving() as receiver:
        yield receiver


def answers(*statuses: int, last: int = 200, **headers: str) -> Any:
    left = list(statuses)

    async def answer(_: Call) -> tuple[int, dict[str, str]]:
        return left.pop(0) if left else last, JSON | {name.replace("_", "-"): headers[name] for name in headers}

    return answer


async def hang(_: Call) -> tuple[int, dict[str, str]]:
    await asyncio.Event().wait()
    return 200, JSON


async def test_a_service_that_fails_twice_is_asked_until_it_answers(tenant: Tenant, service: Receiver) -> None:
    service.answer, service.body = answers(500, 503, retry_after="1"), '{"goals":[12.5],"who":"Ö"}'.encode()
    secret = await tenant.asks(service.url)
    asset_id = await tenant.uploads(b"every byte")
    analysis = await tenant.analysed(asset_id, Analysis.STATE_READY)
    assert json.loads(analysis.answer) == {"goals": [12.5], "who": "Ö"}
    assert len(service.calls) == 3
    assert len({call.id for call in service.calls}) == 1
    asked = [call.verified(secret) for call in service.calls]
    assert {each["type"] for each in asked} == {"analysis.requested"}
    assert {each["data"]["asset"]["id"] for each in asked} == {asset_id}
    source = asked[-1]["data"]["source"]
    until = datetime.fromisoformat(source["expires_at"])
    assert timedelta(minutes=50) < until - datetime.now(UTC) <= timedelta(hours=1)
    async with httpx2.AsyncClient() as http:
        assert (await http.get(source["url"])).content == b"every byte"
    times = [int(call.headers["webhook-timestamp"]) for call in service.calls]
    assert times[2] - times[0] >= 1
    listed = await tenant.assets.ListAssets(metadata_pb2.ListAssetsRequest(), timeout=TIMEOUT)
    assert [(each.analysis.state, each.analysis.answer) for each in listed.assets] == [(Analysis.STATE_READY, "")]
    events = metadata_pb2.ListAssetEventsRequest(asset_id=asset_id)
    history = (await tenant.assets.ListAssetEvents(events, timeout=TIMEOUT)).events
    assert [[*line.changed] for line in history] == [["analysis"], ["analysis"], []]


@pytest.mark.parametrize(
    ("answer", "body", "calls", "code"),
    [
        (answers(), b"<html>sorry</html>", 1, "answer_not_json"),
        (answers(last=204), b"", 1, "answer_not_json"),
        (answers(), b'"' + b"x" * (256 << 10) + b'"', 1, "answer_too_large"),
        (answers(), b"[" * 1000 + b"]" * 1000, 1, "answer_too_deep"),
        (answers(last=302, location="http://127.0.0.1:9/"), b"{}", 1, "http_302"),
        (answers(last=422), b"{}", 1, "http_422"),
        (answers(last=429), b"{}", 3, "http_429"),
        (hang, b"", 3, "timeout"),
    ],
    ids=["garbage", "nothing", "too-much", "too-deep", "redirect", "refusal", "busy", "slow"],
)
async def test_a_service_that_fails_leaves_the_asset_as_it_is(
    tenant: Tenant, service: Receiver, answer: Any, body: bytes, calls: int, code: str
) -> None:
    service.answer, service.body = answer, body
    await tenant.asks(service.url)
    asset_id = await tenant.uploads()
    analysis = await tenant.analysed(asset_id, Analysis.STATE_ERRORED)
    assert (analysis.error_code, analysis.answer, len(service.calls)) == (code, "", calls)
    asset = await tenant.asset(asset_id)
    assert (asset.state, asset.error_code) == (metadata_pb2.Asset.STATE_UPLOADED, "")


async def test_tenants_have_a_service_each(made: Callable[[], Any], service: Receiver) -> None:
    service.answer, service.body = answers(), b"{}"
    async with made() as one, made() as other:
        await one.asks(service.url)
        with pytest.raises(AioRpcError) as caught:
            await other.hooks.GetAnalysisHook(analysis_pb2.GetAnalysisHookRequest(), timeout=TIMEOUT)
        assert status.from_rpc_error(caught.value).reason == "analysis_hook_not_found"
        theirs, ours = await other.uploads(), await one.uploads()
        await one.analysed(ours, Analysis.STATE_READY)
        assert not (await other.asset(theirs)).HasField("analysis")
        with pytest.raises(AioRpcError) as caught:
            await other.asset(ours)
        assert status.from_rpc_error(caught.value).reason == "asset_not_found"
    assert [json.loads(call.body)["data"]["asset"]["id"] for call in service.calls] == [ours]


async def test_a_deleted_hook_asks_nobody_and_says_so(tenant: Tenant, service: Receiver) -> None:
    service.answer = answers(last=503, retry_after="3600")
    await tenant.asks(service.url)
    asset_id = await tenant.uploads()
    await eventually(lambda: service.calls, within=WITHIN)
    assert (await tenant.analysed(asset_id, Analysis.STATE_PENDING)).error_code == ""
    await tenant.hooks.DeleteAnalysisHook(analysis_pb2.DeleteAnalysisHookRequest(), timeout=TIMEOUT)
    assert (await tenant.analysed(asset_id, Analysis.STATE_ERRORED)).error_code == "hook_deleted"


async def test_a_replica_that_goes_in_the_middle_costs_a_call_and_no_answer(
    tenant: Tenant, service: Receiver, settings: notify_main.Settings, notify: str
) -> None:
    """What it was asking about is asked once more by another, and there is one answer."""
    service.answer = hang
    await tenant.asks(service.url)
    other = settings.model_copy(update={"grpc_port": free_port()})
    async with serving(notify_main.main, other):
        asset_id = await tenant.uploads()
        await eventually(lambda: service.calls, within=WITHIN)
    service.answer, service.body = answers(), b"[1]"
    assert (await tenant.analysed(asset_id, Analysis.STATE_READY)).answer == "[1]"
    assert len({call.id for call in service.calls}) == 1


async def test_an_inside_address_is_refused(tenant: Tenant) -> None:
    with pytest.raises(AioRpcError) as caught:
        await tenant.asks("http://169.254.169.254/latest")
    assert status.from_rpc_error(caught.value).reason == "url_not_allowed"
