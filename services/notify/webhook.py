"""A webhook: an address that wants to hear of events, and the secrets that sign what it hears."""

from __future__ import annotations

import base64
import hashlib
import secrets
from dataclasses import dataclass, field, replace
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from meshkit.errors import Conflict, FieldError, InvalidArgument
from meshkit.ids import new_id
from services.notify.domain import TYPES

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

DISABLED = "webhook.disabled"
TEST = "webhook.test"
DELIVERED = TYPES - {"upload.progress", "job.progress"}
"""The types that webhooks hear of: how far something is changes too often for them."""
FAILING_FOR = timedelta(days=5)
"""After so long without one success a webhook is disabled."""
MOST_SECRETS = 3
_SECRET_BYTES = 32


class State(StrEnum):
    ENABLED = "enabled"
    DISABLED = "disabled"


class Kind(StrEnum):
    WEBHOOK = "webhook"
    CALLBACK = "callback"
    """A URL that jobs named; nobody made it, so it is never disabled."""
    DEFAULT = "default"
    """Has no URL: its secrets sign the tenant's callbacks."""
    ANALYSIS = "analysis"
    """Is asked about every asset of its tenant, and never disabled. Without a URL nobody is, any more."""


class Reason(StrEnum):
    """Why a webhook is disabled."""

    REQUESTED = "requested"
    GONE = "gone"
    FAILING = "failing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Secret:
    """`whsec_` and the key in base64, as Standard Webhooks has it."""

    text: str = field(repr=False)
    expire_time: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    id: str
    tenant_id: str
    url: str
    events: tuple[str, ...]
    """Empty for all."""
    description: str
    kind: Kind = Kind.WEBHOOK
    state: State = State.ENABLED
    disabled_reason: str = ""
    secrets: tuple[Secret, ...]
    """The newest first; only that one never expires."""
    failing_since_time: datetime | None = None
    paused_until_time: datetime | None = None
    """Until when it asked to be left alone."""
    revision: int = 1
    create_time: datetime
    update_time: datetime

    @property
    def etag(self) -> str:
        return hashlib.sha256(f"{self.id}.{self.revision}".encode()).hexdigest()[:32]

    def wants(self, event_type: str) -> bool:
        return self.state is State.ENABLED and (not self.events or event_type in self.events)

    def signers(self, now: datetime) -> list[str]:
        """The secrets that sign now."""
        return [each.text for each in self.secrets if each.expire_time is None or each.expire_time > now]

    def expect(self, etag: str) -> Webhook:
        """The same webhook. Raises Conflict when it is not the one that `etag` names; empty for any."""
        if etag and etag != self.etag:
            raise Conflict("etag_mismatch", "the webhook was changed meanwhile")
        return self

    def enabled(self) -> Webhook:
        """The same webhook. Raises Conflict when it gets no deliveries."""
        if self.state is not State.ENABLED:
            raise Conflict("webhook_disabled", f"the webhook is disabled: {self.disabled_reason}")
        return self

    def update(self, changes: Mapping[str, object], now: datetime) -> Webhook:
        """`changes` by field name; `enabled` stands for the state. Raises InvalidArgument."""
        values = dict(changes)
        wanted = values.pop("enabled", self.state is State.ENABLED)
        changed = replace(self, **values, revision=self.revision + 1, update_time=now)  # type: ignore[arg-type]
        check_events(changed.events)
        if not wanted:
            reason = changed.disabled_reason or Reason.REQUESTED
            return replace(changed, state=State.DISABLED, disabled_reason=reason)
        if self.state is State.ENABLED and changed.url == self.url:
            return changed
        return replace(
            changed, state=State.ENABLED, disabled_reason="", failing_since_time=None, paused_until_time=None
        )

    def rotate(self, overlap: timedelta, now: datetime) -> Webhook:
        """A new secret; those before sign beside it for `overlap` at most."""
        end = now + overlap
        kept = [replace(each, expire_time=min(each.expire_time or end, end)) for each in self.secrets]
        signing = [each for each in kept if each.expire_time > now]  # type: ignore[operator]  # all have one by now
        return replace(
            self,
            secrets=(new_secret(), *signing[: MOST_SECRETS - 1]),
            revision=self.revision + 1,
            update_time=now,
        )

    def retire(self, now: datetime) -> Webhook:
        """Without a URL, so that what is on its way to it ends soon."""
        nothing = {"url": "", "description": "", "secrets": (), "failing_since_time": None, "paused_until_time": None}
        return replace(self, revision=self.revision + 1, update_time=now, **nothing)  # type: ignore[arg-type]

    def answered(self) -> Webhook:
        return replace(self, failing_since_time=None) if self.failing_since_time else self

    def failed(self, now: datetime, *, gone: bool = False, paused_until: datetime | None = None) -> Webhook:
        """After an attempt that failed: disabled when it is gone, or when nothing else happened for FAILING_FOR."""
        since = self.failing_since_time or now
        if self.kind is Kind.WEBHOOK and (gone or now - since >= FAILING_FOR):
            reason = Reason.GONE if gone else Reason.FAILING
            values = {"failing_since_time": since, "revision": self.revision + 1, "update_time": now}
            return replace(self, state=State.DISABLED, disabled_reason=reason, **values)  # type: ignore[arg-type]
        paused = max(filter(None, (self.paused_until_time, paused_until)), default=None)
        return replace(self, failing_since_time=since, paused_until_time=paused)


def make_callback(tenant_id: str, url: str, now: datetime) -> Webhook:
    return _make(Kind.CALLBACK, tenant_id, url, (), now)


def make_default(tenant_id: str, now: datetime) -> Webhook:
    return _make(Kind.DEFAULT, tenant_id, "", (new_secret(),), now)


def make_analysis_hook(tenant_id: str, url: str, description: str, now: datetime) -> Webhook:
    return replace(_make(Kind.ANALYSIS, tenant_id, url, (new_secret(),), now), description=description)


def _make(kind: Kind, tenant_id: str, url: str, secrets: tuple[Secret, ...], now: datetime) -> Webhook:
    return Webhook(
        id=new_id(),
        tenant_id=tenant_id,
        url=url,
        events=(),
        description="",
        kind=kind,
        secrets=secrets,
        create_time=now,
        update_time=now,
    )


def new_secret() -> Secret:
    return Secret(text=f"whsec_{base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()}")


def check_events(events: tuple[str, ...]) -> None:
    """Raises InvalidArgument for a type that webhooks never hear of."""
    if unknown := set(events) - DELIVERED:
        problem = FieldError("events", f"no such type: {min(unknown)}")
        raise InvalidArgument("unknown_event_type", problem.message, fields=(problem,))


def address_of(url: str) -> tuple[str, int]:
    """Host and port of an http or https URL. Raises InvalidArgument (`invalid_url`)."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port or {"http": 80, "https": 443}[parts.scheme]
    except (ValueError, KeyError):
        host, port, parts = None, 0, urlsplit("")
    plain = url.isascii() and url.isprintable() and not set(url) & set(' \\"<>')
    if not host or not plain or parts.username is not None or parts.password is not None or parts.fragment:
        problem = FieldError("url", "is an http or https URL without a user or a fragment")
        raise InvalidArgument("invalid_url", problem.message, fields=(problem,))
    return host, port
