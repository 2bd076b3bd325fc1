"""What the API answers of webhooks, field by field."""

from typing import Annotated, Literal

from pydantic import BaseModel, Field

from services.gateway.schemas import Id, Time, Url

DeliveryState = Literal["pending", "succeeded", "failed"]


class Webhook(BaseModel):
    id: Id
    url: Url
    events: Annotated[list[str], Field(description="None for all.")]
    description: str | None
    state: Literal["enabled", "disabled"] | None
    disabled_reason: Annotated[str | None, Field(description="requested, gone or failing.")]
    failing_since_time: Annotated[Time | None, Field(description="Since when every attempt has failed.")]
    create_time: Time | None
    update_time: Time | None


class CreatedWebhook(Webhook):
    secret: Annotated[str, Field(description="Signs what is delivered; not shown again.")]


class RotatedWebhook(CreatedWebhook):
    old_secret_expire_time: Annotated[Time | None, Field(description="Until then both sign.")]


class CallbackSecret(BaseModel):
    secret: Annotated[str, Field(description="Signs the callbacks of jobs; not shown again.")]
    old_secret_expire_time: Annotated[Time | None, Field(description="Until then both sign.")]


class AnalysisHook(BaseModel):
    id: Annotated[Id, Field(description="Lists its calls, as that of a webhook.")]
    url: Url
    description: str | None
    failing_since_time: Annotated[Time | None, Field(description="Since when every attempt has failed.")]
    create_time: Time | None
    update_time: Time | None


class CreatedAnalysisHook(AnalysisHook):
    secret: Annotated[str, Field(description="Signs what it is asked; not shown again.")]


class RotatedAnalysisHook(CreatedAnalysisHook):
    old_secret_expire_time: Annotated[Time | None, Field(description="Until then both sign.")]


class WebhookPage(BaseModel):
    items: list[Webhook]
    next_page_token: str | None


class DeliveryAttempt(BaseModel):
    number: int
    start_time: Time | None
    duration: Annotated[float, Field(description="Seconds.")]
    url: Url
    headers: Annotated[dict[str, str], Field(description="What was sent besides the body.")]
    status: Annotated[int | None, Field(description="Null when there was no answer.")]
    error: Annotated[str | None, Field(description="Why it does not count; null when it does.")]


class WebhookDelivery(BaseModel):
    id: Id
    webhook_id: Id
    event_id: Annotated[str, Field(description="The `webhook-id`: the same over retries and replays.")]
    type: str
    asset_id: str | None
    job_id: str | None
    state: DeliveryState | None
    body: str
    attempts: int
    log: Annotated[list[DeliveryAttempt], Field(description="The newest attempts.")]
    next_attempt_time: Time | None
    create_time: Time | None
    end_time: Time | None


class WebhookDeliveryPage(BaseModel):
    items: list[WebhookDelivery]
    next_page_token: str | None


class Replayed(BaseModel):
    replayed: Annotated[int, Field(description="Deliveries that are made once more.")]
