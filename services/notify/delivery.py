"""One event on its way to one webhook: when it is tried, and what came of it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from datetime import UTC, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from meshkit.errors import FieldError, InvalidArgument
from meshkit.ids import new_id

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from services.notify.domain import Event
    from services.notify.webhook import Webhook

SCHEDULE = tuple(
    timedelta(seconds=seconds)
    for seconds in (0, 5, 5 * 60, 30 * 60, *(hours * 3600 for hours in (2, 5, 10, 14, 20, 24)))
)
"""How long after the one before each attempt is made, as Standard Webhooks has it; with jitter a little later."""
JITTER = 0.1
LONGEST_PAUSE = timedelta(hours=24)
"""The most that Retry-After can ask for."""
LEASE = timedelta(seconds=30)
"""Twice what an attempt may take: after that whoever made it is taken for dead."""
IN_ORDER = 2
"""An event waits for the earlier ones of its asset until these were delivered, or failed so often."""
LOGGED = 20
GONE = 410


class State(StrEnum):
    PENDING = "pending"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What one request came to; `status` is 0 where there was no answer."""

    start_time: datetime
    duration: float
    """Seconds."""
    url: str
    headers: Mapping[str, str]
    status: int = 0
    error: str = ""
    """A stable reason: http_<status>, timeout, connection_failed, url_not_allowed…; empty for a success."""
    retry_after: timedelta | None = None
    content_type: str = ""
    body: bytes = b""
    """What was answered, where somebody wants to know."""
    final: bool = False
    """A failure that another attempt would only repeat."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """An outcome, as the log keeps it."""

    number: int
    start_time: datetime
    duration: float
    url: str
    headers: Mapping[str, str]
    status: int
    error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    id: str
    webhook_id: str
    tenant_id: str
    event_id: str
    """The `webhook-id`: the same over retries and replays, and for every webhook that hears of the event."""
    type: str
    asset_id: str
    job_id: str
    payload: str
    """The body: its bytes are signed, so they are kept as they are."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """The trace that the event belongs to."""
    state: State = State.PENDING
    tries: int = 0
    """Attempts in this round of the schedule; a replay begins another."""
    attempts: int = 0
    log: tuple[Attempt, ...] = ()
    next_attempt_time: datetime | None
    create_time: datetime
    end_time: datetime | None = None

    def settle(self, outcome: Outcome, jitter: float, schedule: Sequence[timedelta] = SCHEDULE) -> Delivery:
        """After an attempt: over, or due again. `jitter` is between 0 and 1."""
        number = self.attempts + 1
        now = outcome.start_time + timedelta(seconds=outcome.duration)
        attempt = Attempt(
            number=number,
            start_time=outcome.start_time,
            duration=outcome.duration,
            url=outcome.url,
            headers=outcome.headers,
            status=outcome.status,
            error=outcome.error,
        )
        tried = replace(self, tries=self.tries + 1, attempts=number, log=(*self.log, attempt)[-LOGGED:])
        if not outcome.error or outcome.final or outcome.status == GONE or tried.tries >= len(schedule):
            return tried.end(State.FAILED if outcome.error else State.SUCCEEDED, now)
        wait = max(schedule[tried.tries] * (1 + JITTER * jitter), pause(outcome))
        return replace(tried, next_attempt_time=now + wait)

    def end(self, state: State, now: datetime) -> Delivery:
        return replace(self, state=state, next_attempt_time=None, end_time=now)

    def replay(self, now: datetime) -> Delivery:
        """Due now, with all of the schedule before it."""
        return replace(self, state=State.PENDING, tries=0, next_attempt_time=now, end_time=None)


def pause(outcome: Outcome) -> timedelta:
    """How long the receiver asked to be left alone."""
    return min(outcome.retry_after or timedelta(0), LONGEST_PAUSE)


def make_delivery(
    event: Event, webhook: Webhook, event_id: str, now: datetime, headers: Mapping[str, str] | None = None
) -> Delivery:
    return Delivery(
        id=new_id(),
        webhook_id=webhook.id,
        tenant_id=webhook.tenant_id,
        event_id=event_id,
        type=event.type,
        asset_id=event.asset_id,
        job_id=event.job_id,
        payload=payload_of(event),
        headers=headers or {},
        next_attempt_time=now,
        create_time=now,
    )


def payload_of(event: Event) -> str:
    timestamp = event.create_time.astimezone(UTC).isoformat().replace("+00:00", "Z")
    body = {"type": event.type, "timestamp": timestamp, "data": event.data}
    return json.dumps(body, separators=(",", ":"), ensure_ascii=False)


def check_range(start: datetime, end: datetime) -> None:
    """Raises InvalidArgument for a range that holds nothing."""
    if start >= end:
        problem = FieldError("end_time", "must be after start_time")
        raise InvalidArgument("invalid_argument", problem.message, fields=(problem,))
