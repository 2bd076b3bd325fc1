"""Webhooks as they run: real gRPC, Postgres, JetStream, and receivers on real ports."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio
from grpc.aio import AioRpcError
from reelmesh.metadata.v1 import metadata_events_pb2 as assets
from reelmesh.notify.v1 import notify_events_pb2, webhook_pb2, webhook_pb2_grpc

from meshkit import outbox
from meshkit.grpc import status
from meshkit.ids import new_id
from services.notify.main import Settings, main
from tests.eventually import eventually
from tests.integration.notify.test_notify import an_asset, say
from tests.receiver import Receiver, receiving
from tests.serving import called, free_port, serving
from tests.streams import has_message

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from local.infra import Infra
    from meshkit.nats import Bus
    from tests.receiver import Call

    Stub = webhook_pb2_grpc.WebhookServiceAsyncStub

SCOPES = ("webhooks:read", "webhooks:write")
SUCCEEDED = webhook_pb2.WebhookDelivery.STATE_SUCCEEDED


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def settings(
    infra: Infra, bus: Bus, identity_addr: str, database_url: Callable[[str], Awaitable[str]]
) -> Settings:
    return Settings(
        grpc_port=free_port(),
        database_url=await database_url("notify"),
        nats_url=infra.nats_url,
        identity_addr=identity_addr,
        metadata_addr="127.0.0.1:9",
        service_key="rmk_asks-nobody-about-anything",
        webhook_allow_loopback=True,
        webhook_timeout=3.0,
    )


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def address(settings: Settings, alone: None) -> AsyncIterator[str]:
    """Two replicas, of which one answers."""
    another = settings.model_copy(update={"grpc_port": free_port()})
    async with serving(main, another), serving(main, settings) as address:
        yield address


@pytest.fixture
def tenant() -> str:
    return new_id()


@pytest_asyncio.fixture(loop_scope="session")
async def stub(address: str, tenant: str) -> AsyncIterator[Stub]:
    async with called(address, webhook_pb2.DESCRIPTOR, tenant, *SCOPES) as channel:
        yield webhook_pb2_grpc.WebhookServiceStub(channel)


@pytest_asyncio.fixture(loop_scope="session")
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as made:
        yield made


async def hook(stub: Stub, url: str, *events: str) -> webhook_pb2.CreateWebhookResponse:
    return await stub.CreateWebhook(webhook_pb2.CreateWebhookRequest(url=url, events=events), timeout=10)


async def log(stub: Stub, webhook_id: str) -> list[webhook_pb2.WebhookDelivery]:
    request = webhook_pb2.ListDeliveriesRequest(webhook_id=webhook_id)
    return list((await stub.ListDeliveries(request, timeout=10)).deliveries)


async def settled(stub: Stub, webhook_id: str, count: int) -> list[webhook_pb2.WebhookDelivery]:
    async def over() -> list[webhook_pb2.WebhookDelivery]:
        found = await log(stub, webhook_id)
        return found if sum(each.state == SUCCEEDED for each in found) >= count else []

    return await eventually(over, within=30)


def answers(*statuses: int, **headers: str) -> Any:
    """One after the other, then 204."""
    left = list(statuses)

    async def answer(_: Call) -> tuple[int, dict[str, str]]:
        return (left.pop(0), headers) if left else (204, {})

    return answer


async def test_an_event_is_called_out_and_written_down(bus: Bus, stub: Stub, receiver: Receiver, tenant: str) -> None:
    made = await hook(stub, receiver.url)
    asset = an_asset(tenant)
    event_id = await say(bus, assets.AssetReady(asset=asset))
    await say(bus, assets.AssetReady(asset=asset), event_id)
    await say(bus, assets.AssetReady(asset=an_asset(new_id())))
    [delivery] = await settled(stub, made.webhook.id, 1)
    [call] = receiver.calls
    event = call.verified(made.secret)
    assert (call.id, event["type"], event["data"]["id"]) == (event_id, "asset.ready", asset.id)
    assert datetime.fromisoformat(event["timestamp"]) == asset.update_time.ToDatetime(UTC)
    assert event["data"]["size"] == 3
    assert (delivery.event_id, delivery.asset_id, json.loads(delivery.payload)) == (event_id, asset.id, event)
    [attempt] = delivery.log
    assert (attempt.status, attempt.error, attempt.headers["webhook-id"]) == (204, "", event_id)
    assert attempt.duration > 0


async def test_a_refusal_is_tried_again_under_the_same_id(
    bus: Bus, stub: Stub, receiver: Receiver, tenant: str
) -> None:
    made = await hook(stub, receiver.url)
    receiver.answer = answers(500)
    event_id = await say(bus, assets.AssetReady(asset=an_asset(tenant)))
    [delivery] = await settled(stub, made.webhook.id, 1)
    assert [call.id for call in receiver.calls] == [event_id, event_id]
    first, second = delivery.log
    waited = second.start_time.ToNanoseconds() - first.start_time.ToNanoseconds()
    assert waited >= 5e9
    assert (first.status, first.error, second.status) == (500, "http_500", 204)


async def test_events_of_an_asset_come_in_order(bus: Bus, stub: Stub, receiver: Receiver, tenant: str) -> None:
    await hook(stub, receiver.url)
    own = [an_asset(tenant) for _ in range(5)]
    for fact in (assets.AssetCreated, assets.AssetPlayable, assets.AssetReady):
        for asset in own:
            await say(bus, fact(asset=asset))
    await eventually(lambda: len(receiver.calls) == 15, within=30)
    events = [json.loads(call.body) for call in receiver.calls]
    for asset in own:
        types = [event["type"] for event in events if event["data"]["id"] == asset.id]
        assert types == ["asset.created", "asset.playable", "asset.ready"]


async def test_a_receiver_that_hangs_delays_nobody_else(bus: Bus, stub: Stub, receiver: Receiver, tenant: str) -> None:
    async def hang(_: Call) -> tuple[int, dict[str, str]]:
        await asyncio.Event().wait()
        return 204, {}

    async with receiving() as slow:
        slow.answer = hang
        await hook(stub, slow.url)
        await hook(stub, receiver.url)
        for _ in range(30):
            await say(bus, assets.AssetReady(asset=an_asset(tenant)))
        await eventually(lambda: len(receiver.calls) == 30, within=30)
        # A replica more or less: they do not wait for one another.
        assert 1 <= slow.most_open <= 16


async def test_who_is_gone_is_disabled_and_says_so(bus: Bus, stub: Stub, receiver: Receiver, tenant: str) -> None:
    async with receiving() as other:
        made = await hook(stub, receiver.url)
        await hook(stub, other.url, "webhook.disabled")
        receiver.answer = answers(410)
        await say(bus, assets.AssetReady(asset=an_asset(tenant)))
        await eventually(lambda: other.calls)
    told = json.loads(other.calls[0].body)
    assert (told["type"], told["data"]["id"], told["data"]["disabled_reason"]) == (
        "webhook.disabled",
        made.webhook.id,
        "gone",
    )
    found = await stub.GetWebhook(webhook_pb2.GetWebhookRequest(webhook_id=made.webhook.id), timeout=10)
    assert (found.webhook.state, found.webhook.disabled_reason) == (webhook_pb2.Webhook.STATE_DISABLED, "gone")
    subject = outbox.subject_of(notify_events_pb2.WebhookDisabled(), made.webhook.id)

    async def fact() -> bool:
        return await has_message(bus, "NOTIFY", subject)

    assert await eventually(fact)
    await say(bus, assets.AssetReady(asset=an_asset(tenant)))
    await eventually(lambda: len(other.calls) == 1)
    assert len(await log(stub, made.webhook.id)) == 1


async def test_a_secret_is_rotated_without_a_gap(bus: Bus, stub: Stub, receiver: Receiver, tenant: str) -> None:
    made = await hook(stub, receiver.url)
    request = webhook_pb2.RotateSecretRequest(webhook_id=made.webhook.id, overlap=3600)
    rotated = await stub.RotateSecret(request, timeout=10)
    await say(bus, assets.AssetReady(asset=an_asset(tenant)))
    await eventually(lambda: receiver.calls)
    for secret in (made.secret, rotated.secret):
        assert receiver.calls[0].verified(secret)["type"] == "asset.ready"


async def test_a_test_and_its_replay(stub: Stub, receiver: Receiver) -> None:
    made = await hook(stub, receiver.url, "job.failed")
    answer = await stub.TestWebhook(webhook_pb2.TestWebhookRequest(webhook_id=made.webhook.id), timeout=10)
    await settled(stub, made.webhook.id, 1)
    await stub.ReplayDelivery(webhook_pb2.ReplayDeliveryRequest(delivery_id=answer.delivery.id), timeout=10)
    await eventually(lambda: len(receiver.calls) == 2)
    window = webhook_pb2.ReplayDeliveriesRequest(webhook_id=made.webhook.id)
    window.start_time.FromSeconds(answer.delivery.create_time.seconds)
    await settled(stub, made.webhook.id, 1)
    assert (await stub.ReplayDeliveries(window, timeout=10)).replayed == 1
    await eventually(lambda: len(receiver.calls) == 3)
    assert {call.id for call in receiver.calls} == {answer.delivery.event_id}


async def test_an_inside_address_is_refused(stub: Stub) -> None:
    for url in ("http://10.0.0.1/", "http://169.254.169.254/latest", "http://[fd00::1]/", "http://0x0a000001/"):
        with pytest.raises(AioRpcError) as caught:
            await hook(stub, url)
        assert status.from_rpc_error(caught.value).reason == "url_not_allowed"


async def test_replicas_lose_and_double_nothing(
    bus: Bus, stub: Stub, settings: Settings, receiver: Receiver, tenant: str
) -> None:
    """One comes, works and goes in peace in the middle of it."""
    await hook(stub, receiver.url)
    third = settings.model_copy(update={"grpc_port": free_port()})
    async with serving(main, third):
        said = [await say(bus, assets.AssetReady(asset=an_asset(tenant))) for _ in range(40)]
        await eventually(lambda: len(receiver.calls) > 5)
    await eventually(lambda: {call.id for call in receiver.calls} == set(said), within=30)
    assert len(receiver.calls) == len(said)
