"""/v1/webhooks and /v1/webhook-deliveries: who is called, and what came of it."""

from typing import Any

from fastapi import APIRouter, Response
from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.timestamp_pb2 import Timestamp
from grpc.aio import AioRpcError
from reelmesh.notify.v1 import webhook_pb2

from meshkit import public
from meshkit.errors import InvalidArgument
from services.gateway import bodies, wire
from services.gateway import webhook_schemas as schemas
from services.gateway.channels import TIMEOUT
from services.gateway.http_api.deps import (
    PAGE_SIZE,
    PROTECTED,
    PROTECTED_PROBLEMS,
    IfMatch,
    Mesh,
    PageSize,
    PageToken,
    RequestId,
    ResourceId,
    problems,
)
from services.gateway.problems import precondition

router = APIRouter(prefix="/v1", tags=["webhooks"], dependencies=PROTECTED, responses=PROTECTED_PROBLEMS)

CALL_TIMEOUT = 2 * TIMEOUT
"""The name of the receiver is resolved meanwhile."""


@router.post("/webhooks", status_code=201, response_model=schemas.CreatedWebhook, responses=problems(409, 413, 415))
async def create_webhook(
    body: bodies.WebhookRequest, mesh: Mesh, response: Response, request_id: RequestId = ""
) -> dict[str, Any]:
    """Have a URL called. The `secret` that signs the calls is in this answer only."""
    request = webhook_pb2.CreateWebhookRequest(
        request_id=request_id, url=body.url, events=body.events, description=body.description or ""
    )
    answer = await mesh.services.webhooks.CreateWebhook(request, timeout=CALL_TIMEOUT)
    response.headers["Location"] = f"/v1/webhooks/{answer.webhook.id}"
    response.headers["ETag"] = f'"{answer.webhook.etag}"'
    return public.webhook(answer.webhook) | {"secret": answer.secret}


@router.get("/webhooks", response_model=schemas.WebhookPage)
async def list_webhooks(mesh: Mesh, page_size: PageSize = PAGE_SIZE, page_token: PageToken = "") -> dict[str, Any]:
    """Newest first."""
    request = webhook_pb2.ListWebhooksRequest(page_size=page_size, page_token=page_token)
    answer = await mesh.services.webhooks.ListWebhooks(request, timeout=TIMEOUT)
    return wire.from_page([public.webhook(each) for each in answer.webhooks], answer.next_page_token)


@router.get("/webhooks/{webhook_id}", response_model=schemas.Webhook, responses=problems(404))
async def get_webhook(webhook_id: ResourceId, mesh: Mesh, response: Response) -> dict[str, Any]:
    request = webhook_pb2.GetWebhookRequest(webhook_id=str(webhook_id))
    webhook = (await mesh.services.webhooks.GetWebhook(request, timeout=TIMEOUT)).webhook
    response.headers["ETag"] = f'"{webhook.etag}"'
    return public.webhook(webhook)


@router.patch("/webhooks/{webhook_id}", response_model=schemas.Webhook, responses=problems(404, 409, 412, 413, 415))
async def update_webhook(
    webhook_id: ResourceId, body: bodies.WebhookPatch, mesh: Mesh, response: Response, if_match: IfMatch = None
) -> dict[str, Any]:
    """Change what the body names. `enabled` true brings a disabled one back."""
    if not body.model_fields_set:
        raise InvalidArgument("invalid_argument", "the patch names nothing to change")
    request = webhook_pb2.UpdateWebhookRequest(
        webhook_id=str(webhook_id),
        etag=wire.to_etag(if_match),
        update_mask=FieldMask(paths=sorted(body.model_fields_set)),
        url=body.url,
        events=body.events or [],
        description=body.description or "",
        enabled=body.enabled,
    )
    try:
        webhook = (await mesh.services.webhooks.UpdateWebhook(request, timeout=CALL_TIMEOUT)).webhook
    except AioRpcError as error:
        raise precondition(error) from error
    response.headers["ETag"] = f'"{webhook.etag}"'
    return public.webhook(webhook)


@router.delete("/webhooks/{webhook_id}", status_code=204, responses=problems(404, 409, 412))
async def delete_webhook(webhook_id: ResourceId, mesh: Mesh, if_match: IfMatch = None) -> None:
    """With its deliveries: what it did not get yet it never will."""
    request = webhook_pb2.DeleteWebhookRequest(webhook_id=str(webhook_id), etag=wire.to_etag(if_match))
    try:
        await mesh.services.webhooks.DeleteWebhook(request, timeout=TIMEOUT)
    except AioRpcError as error:
        raise precondition(error) from error


@router.post(
    "/webhooks/{webhook_id}/rotate-secret", response_model=schemas.RotatedWebhook, responses=problems(404, 413, 415)
)
async def rotate_secret(webhook_id: ResourceId, mesh: Mesh, body: bodies.RotateRequest | None = None) -> dict[str, Any]:
    """A new secret. Until the old one expires, calls carry the signatures of both."""
    overlap = (body or bodies.RotateRequest()).overlap
    request = webhook_pb2.RotateSecretRequest(webhook_id=str(webhook_id), overlap=overlap)
    answer = await mesh.services.webhooks.RotateSecret(request, timeout=TIMEOUT)
    return public.webhook(answer.webhook) | {"secret": answer.secret, "old_secret_expire_time": _expires(answer)}


@router.post("/callback-secret", response_model=schemas.CallbackSecret, responses=problems(413, 415))
async def rotate_callback_secret(mesh: Mesh, body: bodies.RotateRequest | None = None) -> dict[str, Any]:
    """The secret that signs the callbacks of jobs: the first, or a new one."""
    overlap = (body or bodies.RotateRequest()).overlap
    request = webhook_pb2.RotateCallbackSecretRequest(overlap=overlap)
    answer = await mesh.services.webhooks.RotateCallbackSecret(request, timeout=TIMEOUT)
    return {"secret": answer.secret, "old_secret_expire_time": _expires(answer)}


@router.post(
    "/webhooks/{webhook_id}/test",
    status_code=202,
    response_model=schemas.WebhookDelivery,
    responses=problems(404, 409),
)
async def test_webhook(webhook_id: ResourceId, mesh: Mesh, response: Response) -> dict[str, Any]:
    """Deliver a `webhook.test` event to it, whatever it listens to."""
    request = webhook_pb2.TestWebhookRequest(webhook_id=str(webhook_id))
    delivery = (await mesh.services.webhooks.TestWebhook(request, timeout=TIMEOUT)).delivery
    response.headers["Location"] = f"/v1/webhook-deliveries/{delivery.id}"
    return public.delivery(delivery)


@router.get("/webhooks/{webhook_id}/deliveries", response_model=schemas.WebhookDeliveryPage, responses=problems(404))
async def list_deliveries(
    webhook_id: ResourceId,
    mesh: Mesh,
    state: schemas.DeliveryState | None = None,
    page_size: PageSize = PAGE_SIZE,
    page_token: PageToken = "",
) -> dict[str, Any]:
    """Newest first, with the request, the status and the timing of each attempt."""
    request = webhook_pb2.ListDeliveriesRequest(
        webhook_id=str(webhook_id), page_size=page_size, page_token=page_token, state=_state(state)
    )
    answer = await mesh.services.webhooks.ListDeliveries(request, timeout=TIMEOUT)
    return wire.from_page([public.delivery(each) for each in answer.deliveries], answer.next_page_token)


@router.post(
    "/webhooks/{webhook_id}/replay",
    status_code=202,
    response_model=schemas.Replayed,
    responses=problems(404, 409, 413, 415),
)
async def replay_deliveries(webhook_id: ResourceId, body: bodies.ReplayRequest, mesh: Mesh) -> dict[str, Any]:
    """Deliver once more what was made in a time range and is over, each under its own event id."""
    start = Timestamp()
    start.FromDatetime(body.start_time)
    request = webhook_pb2.ReplayDeliveriesRequest(
        webhook_id=str(webhook_id), start_time=start, state=_state(body.state)
    )
    if body.end_time:
        request.end_time.FromDatetime(body.end_time)
    return {"replayed": (await mesh.services.webhooks.ReplayDeliveries(request, timeout=CALL_TIMEOUT)).replayed}


@router.get("/webhook-deliveries/{delivery_id}", response_model=schemas.WebhookDelivery, responses=problems(404))
async def get_delivery(delivery_id: ResourceId, mesh: Mesh) -> dict[str, Any]:
    request = webhook_pb2.GetDeliveryRequest(delivery_id=str(delivery_id))
    return public.delivery((await mesh.services.webhooks.GetDelivery(request, timeout=TIMEOUT)).delivery)


@router.post(
    "/webhook-deliveries/{delivery_id}/replay",
    status_code=202,
    response_model=schemas.WebhookDelivery,
    responses=problems(404, 409),
)
async def replay_delivery(delivery_id: ResourceId, mesh: Mesh, response: Response) -> dict[str, Any]:
    """Deliver it once more, now, under the event id that it has."""
    request = webhook_pb2.ReplayDeliveryRequest(delivery_id=str(delivery_id))
    delivery = (await mesh.services.webhooks.ReplayDelivery(request, timeout=TIMEOUT)).delivery
    response.headers["Location"] = f"/v1/webhook-deliveries/{delivery.id}"
    return public.delivery(delivery)


def _expires(answer: webhook_pb2.RotateSecretResponse | webhook_pb2.RotateCallbackSecretResponse) -> str | None:
    return answer.old_secret_expire_time.ToJsonString() if answer.HasField("old_secret_expire_time") else None


def _state(state: str | None) -> webhook_pb2.WebhookDelivery.State.ValueType:
    return webhook_pb2.WebhookDelivery.State.Value(f"STATE_{(state or 'unspecified').upper()}")
