"""Webhooks and deliveries as protos."""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING

from reelmesh.notify.v1 import notify_events_pb2, webhook_pb2

from meshkit import public
from meshkit.errors import FieldError, InvalidArgument
from meshkit.grpc.times import timestamp
from services.notify import delivery, webhook
from services.notify.domain import Event

if TYPE_CHECKING:
    from datetime import datetime

    from google.protobuf.timestamp_pb2 import Timestamp

_STATES = {state: webhook_pb2.Webhook.State.Value(f"STATE_{state.name}") for state in webhook.State}
_DELIVERY_STATES = {state: webhook_pb2.WebhookDelivery.State.Value(f"STATE_{state.name}") for state in delivery.State}
_FROM_DELIVERY_STATES = {value: state for state, value in _DELIVERY_STATES.items()}


def to_webhook(made: webhook.Webhook) -> webhook_pb2.Webhook:
    return webhook_pb2.Webhook(
        id=made.id,
        tenant_id=made.tenant_id,
        url=made.url,
        events=made.events,
        description=made.description,
        state=_STATES[made.state],
        disabled_reason=made.disabled_reason,
        failing_since_time=timestamp(made.failing_since_time),
        etag=made.etag,
        create_time=timestamp(made.create_time),
        update_time=timestamp(made.update_time),
    )


def to_rotated(made: webhook.Webhook) -> webhook_pb2.RotateSecretResponse:
    current, *older = made.secrets
    expires = older[0].expire_time if older else None
    return webhook_pb2.RotateSecretResponse(
        webhook=to_webhook(made), secret=current.text, old_secret_expire_time=timestamp(expires)
    )


def to_callback_secret(made: webhook.Webhook) -> webhook_pb2.RotateCallbackSecretResponse:
    rotated = to_rotated(made)
    expires = rotated.old_secret_expire_time if rotated.HasField("old_secret_expire_time") else None
    return webhook_pb2.RotateCallbackSecretResponse(secret=rotated.secret, old_secret_expire_time=expires)


def to_disabled(made: webhook.Webhook) -> notify_events_pb2.WebhookDisabled:
    return notify_events_pb2.WebhookDisabled(webhook_id=made.id, tenant_id=made.tenant_id, reason=made.disabled_reason)


def to_event(made: webhook.Webhook) -> Event:
    """That it was disabled, as it is told outside."""
    return Event(
        type=webhook.DISABLED,
        tenant_id=made.tenant_id,
        create_time=made.update_time,
        asset_id="",
        data=public.webhook(to_webhook(made)),
    )


def to_delivery(made: delivery.Delivery) -> webhook_pb2.WebhookDelivery:
    return webhook_pb2.WebhookDelivery(
        id=made.id,
        webhook_id=made.webhook_id,
        event_id=made.event_id,
        type=made.type,
        asset_id=made.asset_id,
        job_id=made.job_id,
        state=_DELIVERY_STATES[made.state],
        payload=made.payload,
        attempts=made.attempts,
        log=[_to_attempt(each) for each in made.log],
        next_attempt_time=timestamp(made.next_attempt_time),
        create_time=timestamp(made.create_time),
        end_time=timestamp(made.end_time),
    )


def from_update(request: webhook_pb2.UpdateWebhookRequest) -> dict[str, object]:
    """What changes, by field name. Raises InvalidArgument for what cannot."""
    values = {
        "url": request.url,
        "events": tuple(request.events),
        "description": request.description,
        "enabled": request.enabled,
    }
    wrong = [FieldError(path, "cannot be updated") for path in request.update_mask.paths if path not in values]
    if "url" in request.update_mask.paths and not request.url:
        wrong.append(FieldError("url", "is needed"))
    if wrong:
        raise InvalidArgument("invalid_update", f"{wrong[0].field} {wrong[0].message}", fields=tuple(wrong))
    return {path: values[path] for path in request.update_mask.paths}


def from_state(state: webhook_pb2.WebhookDelivery.State.ValueType) -> delivery.State | None:
    return _FROM_DELIVERY_STATES.get(state)


def from_time(time: Timestamp) -> datetime:
    """Raises InvalidArgument for a time that no calendar has."""
    try:
        return time.ToDatetime(UTC)
    except (ValueError, OverflowError):
        raise InvalidArgument("invalid_argument", "a time is out of range") from None


def _to_attempt(made: delivery.Attempt) -> webhook_pb2.WebhookAttempt:
    return webhook_pb2.WebhookAttempt(
        number=made.number,
        start_time=timestamp(made.start_time),
        duration=made.duration,
        url=made.url,
        headers=made.headers,
        status=made.status,
        error=made.error,
    )
