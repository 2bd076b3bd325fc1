"""Webhooks and deliveries in memory, receivers that answer as they are told, and values to test with."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from meshkit.ids import new_id
from services.notify.delivery import IN_ORDER, Delivery, Outcome, State
from services.notify.domain import Event
from services.notify.webhook import Kind, Webhook, new_secret
from services.notify.webhook import State as WebhookState

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence

THEN = datetime(2026, 1, 1, tzinfo=UTC)


def a_webhook(tenant_id: str = "", **fields: Any) -> Webhook:
    known: dict[str, Any] = {
        "id": new_id(),
        "tenant_id": tenant_id or new_id(),
        "url": "https://club.example/hook",
        "events": (),
        "description": "",
        "secrets": (new_secret(),),
        "create_time": THEN,
        "update_time": THEN,
    }
    return Webhook(**known | fields)


def a_delivery(webhook: Webhook, **fields: Any) -> Delivery:
    known: dict[str, Any] = {
        "id": new_id(),
        "webhook_id": webhook.id,
        "tenant_id": webhook.tenant_id,
        "event_id": new_id(),
        "type": "asset.ready",
        "asset_id": new_id(),
        "job_id": "",
        "payload": '{"type":"asset.ready"}',
        "next_attempt_time": THEN,
        "create_time": THEN,
    }
    return Delivery(**known | fields)


def an_outcome(status: int = 200, *, now: datetime = THEN, retry_after: timedelta | None = None) -> Outcome:
    error = "" if 200 <= status < 300 else f"http_{status}" if status else "connection_failed"
    return Outcome(
        start_time=now,
        duration=0.25,
        url="https://club.example/hook",
        headers={"webhook-id": "1"},
        status=status,
        error=error,
        retry_after=retry_after,
    )


@dataclass
class FakeRows:
    """What Postgres keeps of webhooks."""

    hooks: dict[str, Webhook] = field(default_factory=dict)
    request_ids: dict[tuple[str, str, str], str] = field(default_factory=dict)
    rows: dict[str, Delivery] = field(default_factory=dict)
    leases: dict[str, str] = field(default_factory=dict)
    disabled: list[str] = field(default_factory=list)

    async def add_webhook(self, webhook: Webhook, request_id: str) -> Webhook:
        key = (webhook.tenant_id, webhook.kind, request_id)
        known = self.request_ids.get(key) if request_id else None
        if known:
            return self.hooks[known]
        self.hooks[webhook.id] = webhook
        self.request_ids[key] = webhook.id
        return webhook

    async def webhook(self, tenant_id: str, webhook_id: str, *, lock: bool = False) -> Webhook | None:
        found = self.hooks.get(webhook_id)
        return found if found and found.tenant_id == tenant_id else None

    async def webhooks(self, tenant_id: str, *, before: str | None = None, limit: int | None = None) -> list[Webhook]:
        mine = [each for each in self.hooks.values() if each.tenant_id == tenant_id and each.kind is Kind.WEBHOOK]
        mine = [each for each in mine if before is None or each.id < before]
        return sorted(mine, key=lambda each: each.id, reverse=True)[:limit]

    async def analysis_hook(self, tenant_id: str, *, lock: bool = False) -> Webhook | None:
        known = self.request_ids.get((tenant_id, Kind.ANALYSIS, Kind.ANALYSIS))
        return self.hooks[known] if known else None

    async def save_webhook(self, webhook: Webhook) -> None:
        self.hooks[webhook.id] = webhook

    async def remove_webhook(self, webhook: Webhook) -> None:
        del self.hooks[webhook.id]
        self.rows = {key: each for key, each in self.rows.items() if each.webhook_id != webhook.id}

    async def say_disabled(self, webhook: Webhook) -> Event:
        self.disabled.append(webhook.id)
        data = {"id": webhook.id, "disabled_reason": webhook.disabled_reason}
        now = webhook.update_time
        return Event(type="webhook.disabled", tenant_id=webhook.tenant_id, create_time=now, asset_id="", data=data)

    async def add_deliveries(self, deliveries: Sequence[Delivery]) -> None:
        known = {(each.webhook_id, each.event_id) for each in self.rows.values()}
        new = [each for each in deliveries if (each.webhook_id, each.event_id) not in known]
        self.rows |= {each.id: each for each in new}

    async def delivery(self, tenant_id: str, delivery_id: str, *, lock: bool = False) -> Delivery | None:
        found = self.rows.get(delivery_id)
        return found if found and found.tenant_id == tenant_id else None

    async def deliveries(
        self, webhook_id: str, state: State | None, *, before: str | None, limit: int
    ) -> list[Delivery]:
        found = [each for each in self.rows.values() if each.webhook_id == webhook_id and state in {None, each.state}]
        found = [each for each in found if before is None or each.id < before]
        return sorted(found, key=lambda each: each.id, reverse=True)[:limit]

    async def claim(
        self,
        lease_id: str,
        now: datetime,
        until: datetime,
        *,
        most: int,
        each: int,
        analyses_until: datetime | None = None,
    ) -> list[tuple[Delivery, Webhook]]:
        claimed: list[tuple[Delivery, Webhook]] = []
        pending = [row for row in self.rows.values() if row.state is State.PENDING]
        for row in sorted(pending, key=lambda row: row.next_attempt_time or now):
            webhook = self.hooks[row.webhook_id]
            ours = [other for other in pending if other.webhook_id == webhook.id]
            taken = sum(other.id in self.leases and self._later(other, now) for other in ours)
            taken += sum(hook.id == webhook.id for _, hook in claimed)
            room = taken < (1 if webhook.failing_since_time else each)
            paused = webhook.paused_until_time is not None and webhook.paused_until_time > now
            earlier = ours[: ours.index(row)] if row.asset_id else []
            waits = any(other.asset_id == row.asset_id and other.tries < IN_ORDER for other in earlier)
            open_to_it = webhook.state is WebhookState.ENABLED and not paused
            if room and open_to_it and not waits and not self._later(row, now) and len(claimed) < most:
                end = analyses_until or until if webhook.kind is Kind.ANALYSIS else until
                claimed.append((replace(row, next_attempt_time=end), webhook))
        for row, _ in claimed:
            self.rows[row.id], self.leases[row.id] = row, lease_id
        return [(row, self._caller(webhook)) for row, webhook in claimed]

    def _caller(self, webhook: Webhook) -> Webhook:
        if webhook.kind is not Kind.CALLBACK:
            return webhook
        default = self.request_ids[webhook.tenant_id, Kind.DEFAULT, Kind.DEFAULT]
        return replace(webhook, secrets=self.hooks[default].secrets)

    async def save_delivery(self, delivery: Delivery, lease_id: str | None = None) -> bool:
        if lease_id and self.leases.get(delivery.id) != lease_id:
            return False
        self.rows[delivery.id] = delivery
        self.leases.pop(delivery.id, None)
        return True

    async def release(self, lease_ids: Sequence[str], now: datetime) -> None:
        for delivery_id, lease_id in list(self.leases.items()):
            if lease_id in lease_ids:
                await self.save_delivery(replace(self.rows[delivery_id], next_attempt_time=now))

    async def replay(
        self, webhook_id: str, states: Sequence[State], start: datetime, end: datetime, now: datetime
    ) -> int:
        found = [
            row
            for row in self.rows.values()
            if row.webhook_id == webhook_id and row.state in states and start <= row.create_time < end
        ]
        self.rows |= {row.id: row.replay(now) for row in found}
        return len(found)

    async def end_pending(self, webhook_id: str, now: datetime) -> None:
        for row in list(self.rows.values()):
            if row.webhook_id == webhook_id and row.state is State.PENDING:
                await self.save_delivery(row.end(State.FAILED, now))

    async def purge_deliveries(self, ended_before: datetime) -> None:
        self.rows = {key: row for key, row in self.rows.items() if row.end_time is None or row.end_time >= ended_before}
        used = {row.webhook_id for row in self.rows.values()}
        for hook in [each for each in self.hooks.values() if each.kind is Kind.CALLBACK and each.id not in used]:
            if hook.create_time < ended_before:
                del self.hooks[hook.id]

    def _later(self, row: Delivery, now: datetime) -> bool:
        return row.next_attempt_time is not None and row.next_attempt_time > now


@dataclass
class FakeReceivers:
    answer: Callable[[Delivery], Outcome] = field(default=lambda _: an_outcome())
    checked: list[str] = field(default_factory=list)
    posted: list[tuple[str, str, list[str]]] = field(default_factory=list)
    """URL, event id and the secrets that signed."""

    async def check(self, url: str) -> None:
        self.checked.append(url)

    async def post(
        self, url: str, delivery: Delivery, secrets: Sequence[str], *, most: int = 0, within: float | None = None
    ) -> Outcome:
        self.posted.append((url, delivery.event_id, list(secrets)))
        return self.answer(delivery)


@dataclass
class Clock:
    now: datetime = THEN

    def __call__(self) -> datetime:
        return self.now

    def forward(self, **by: float) -> None:
        self.now += timedelta(**by)


@asynccontextmanager
async def undone_on_error(rows: Any, *names: str) -> AsyncIterator[None]:
    """Puts the named containers back as they were when the block fails."""
    before = {name: getattr(rows, name).copy() for name in names}
    try:
        yield
    except BaseException:
        for name, value in before.items():
            setattr(rows, name, value)
        raise
