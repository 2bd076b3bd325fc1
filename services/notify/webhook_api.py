"""WebhookService over gRPC."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from reelmesh.notify.v1 import webhook_pb2, webhook_pb2_grpc

from meshkit.auth import caller
from meshkit.grpc.server import ANY, service_scopes
from services.notify import webhook_wire as wire

if TYPE_CHECKING:
    from services.notify.webhooks import Webhooks

SERVICE = webhook_pb2.DESCRIPTOR.services_by_name["WebhookService"]
SCOPES = service_scopes(
    SERVICE,
    CreateWebhook="webhooks:write",
    GetWebhook="webhooks:read",
    ListWebhooks="webhooks:read",
    UpdateWebhook="webhooks:write",
    DeleteWebhook="webhooks:write",
    RotateSecret="webhooks:write",
    RotateCallbackSecret="webhooks:write",
    CheckUrl=ANY,
    TestWebhook="webhooks:write",
    GetDelivery="webhooks:read",
    ListDeliveries="webhooks:read",
    ReplayDelivery="webhooks:write",
    ReplayDeliveries="webhooks:write",
)


class WebhookApi(webhook_pb2_grpc.WebhookServiceServicer):
    def __init__(self, webhooks: Webhooks) -> None:
        self._webhooks = webhooks

    async def CreateWebhook(
        self, request: webhook_pb2.CreateWebhookRequest, context: Any
    ) -> webhook_pb2.CreateWebhookResponse:
        made = await self._webhooks.create(
            caller().tenant_id, request.url, tuple(request.events), request.description, request.request_id
        )
        return webhook_pb2.CreateWebhookResponse(webhook=wire.to_webhook(made), secret=made.secrets[0].text)

    async def GetWebhook(self, request: webhook_pb2.GetWebhookRequest, context: Any) -> webhook_pb2.GetWebhookResponse:
        webhook = await self._webhooks.get(caller().tenant_id, request.webhook_id)
        return webhook_pb2.GetWebhookResponse(webhook=wire.to_webhook(webhook))

    async def ListWebhooks(
        self, request: webhook_pb2.ListWebhooksRequest, context: Any
    ) -> webhook_pb2.ListWebhooksResponse:
        rows, token = await self._webhooks.page(caller().tenant_id, request.page_size, request.page_token)
        return webhook_pb2.ListWebhooksResponse(webhooks=map(wire.to_webhook, rows), next_page_token=token)

    async def UpdateWebhook(
        self, request: webhook_pb2.UpdateWebhookRequest, context: Any
    ) -> webhook_pb2.UpdateWebhookResponse:
        changes = wire.from_update(request)
        webhook = await self._webhooks.update(caller().tenant_id, request.webhook_id, changes, request.etag)
        return webhook_pb2.UpdateWebhookResponse(webhook=wire.to_webhook(webhook))

    async def DeleteWebhook(
        self, request: webhook_pb2.DeleteWebhookRequest, context: Any
    ) -> webhook_pb2.DeleteWebhookResponse:
        await self._webhooks.delete(caller().tenant_id, request.webhook_id, request.etag)
        return webhook_pb2.DeleteWebhookResponse()

    async def RotateSecret(
        self, request: webhook_pb2.RotateSecretRequest, context: Any
    ) -> webhook_pb2.RotateSecretResponse:
        overlap = timedelta(seconds=request.overlap)
        return wire.to_rotated(await self._webhooks.rotate(caller().tenant_id, request.webhook_id, overlap))

    async def RotateCallbackSecret(
        self, request: webhook_pb2.RotateCallbackSecretRequest, context: Any
    ) -> webhook_pb2.RotateCallbackSecretResponse:
        overlap = timedelta(seconds=request.overlap)
        return wire.to_callback_secret(await self._webhooks.rotate_callback_secret(caller().tenant_id, overlap))

    async def CheckUrl(self, request: webhook_pb2.CheckUrlRequest, context: Any) -> webhook_pb2.CheckUrlResponse:
        await self._webhooks.check(request.url)
        return webhook_pb2.CheckUrlResponse()

    async def TestWebhook(
        self, request: webhook_pb2.TestWebhookRequest, context: Any
    ) -> webhook_pb2.TestWebhookResponse:
        delivery = await self._webhooks.test(caller().tenant_id, request.webhook_id)
        return webhook_pb2.TestWebhookResponse(delivery=wire.to_delivery(delivery))

    async def GetDelivery(
        self, request: webhook_pb2.GetDeliveryRequest, context: Any
    ) -> webhook_pb2.GetDeliveryResponse:
        delivery = await self._webhooks.delivery(caller().tenant_id, request.delivery_id)
        return webhook_pb2.GetDeliveryResponse(delivery=wire.to_delivery(delivery))

    async def ListDeliveries(
        self, request: webhook_pb2.ListDeliveriesRequest, context: Any
    ) -> webhook_pb2.ListDeliveriesResponse:
        state = wire.from_state(request.state)
        rows, token = await self._webhooks.deliveries(
            caller().tenant_id, request.webhook_id, state, request.page_size, request.page_token
        )
        return webhook_pb2.ListDeliveriesResponse(deliveries=map(wire.to_delivery, rows), next_page_token=token)

    async def ReplayDelivery(
        self, request: webhook_pb2.ReplayDeliveryRequest, context: Any
    ) -> webhook_pb2.ReplayDeliveryResponse:
        delivery = await self._webhooks.replay(caller().tenant_id, request.delivery_id)
        return webhook_pb2.ReplayDeliveryResponse(delivery=wire.to_delivery(delivery))

    async def ReplayDeliveries(
        self, request: webhook_pb2.ReplayDeliveriesRequest, context: Any
    ) -> webhook_pb2.ReplayDeliveriesResponse:
        replayed = await self._webhooks.replay_range(
            caller().tenant_id,
            request.webhook_id,
            wire.from_state(request.state),
            wire.from_time(request.start_time),
            wire.from_time(request.end_time) if request.HasField("end_time") else None,
        )
        return webhook_pb2.ReplayDeliveriesResponse(replayed=replayed)
