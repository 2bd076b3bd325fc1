"""What notify's use cases need from outside."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from contextlib import AbstractAsyncContextManager
    from datetime import datetime

    from services.notify.delivery import Delivery, Outcome, State
    from services.notify.domain import Event, Filter, Told
    from services.notify.webhook import Webhook


class Delivered(Protocol):
    """A message as its consumer got it; the id is the same over all its deliveries."""

    @property
    def consumer(self) -> str: ...
    @property
    def message_id(self) -> str: ...


class Webhooks(Protocol):
    """Whoever locks deliveries besides their webhook locks the webhook first."""

    async def add_webhook(self, webhook: Webhook, request_id: str) -> Webhook:
        """Stores and gives `webhook`; or gives that of its kind which the tenant has with the same `request_id`."""
        ...

    async def webhook(self, tenant_id: str, webhook_id: str, *, lock: bool = False) -> Webhook | None: ...

    async def webhooks(self, tenant_id: str, *, before: str | None = None, limit: int | None = None) -> list[Webhook]:
        """Those that were made as such, newest first."""
        ...

    async def analysis_hook(self, tenant_id: str, *, lock: bool = False) -> Webhook | None:
        """The tenant's one, also when it has no URL any more."""
        ...

    async def save_webhook(self, webhook: Webhook) -> None: ...

    async def remove_webhook(self, webhook: Webhook) -> None:
        """And its deliveries."""
        ...

    async def say_disabled(self, webhook: Webhook) -> Event:
        """As a fact, to the other services; gives what to tell outside."""
        ...


class Deliveries(Protocol):
    async def add_deliveries(self, deliveries: Sequence[Delivery]) -> None:
        """A webhook has one delivery of an event: others change nothing."""
        ...

    async def delivery(self, tenant_id: str, delivery_id: str, *, lock: bool = False) -> Delivery | None: ...

    async def deliveries(
        self, webhook_id: str, state: State | None, *, before: str | None, limit: int
    ) -> Sequence[Delivery]:
        """Newest first."""
        ...

    async def claim(
        self,
        lease_id: str,
        now: datetime,
        until: datetime,
        *,
        most: int,
        each: int,
        analyses_until: datetime | None = None,
    ) -> Sequence[tuple[Delivery, Webhook]]:
        """Those that are due, with who is called and the secrets that sign, leased until then.

        At most `each` at once of a webhook, and one of a failing one. An event waits for earlier ones of its asset.
        """
        ...

    async def save_delivery(self, delivery: Delivery, lease_id: str | None = None) -> bool:
        """And end its lease. With a `lease_id`, only if that is the one it has: whether it was."""
        ...

    async def release(self, lease_ids: Sequence[str], now: datetime) -> None:
        """What is still leased by them is due at once."""
        ...

    async def replay(
        self, webhook_id: str, states: Sequence[State], start: datetime, end: datetime, now: datetime
    ) -> int:
        """All of those states that were made from `start` on and before `end` are due now; how many."""
        ...

    async def end_pending(self, webhook_id: str, now: datetime) -> None:
        """Whatever the webhook was still to get has failed."""
        ...

    async def purge_deliveries(self, ended_before: datetime) -> None:
        """And callbacks that have no others."""
        ...


class Transaction(Webhooks, Deliveries, Protocol):
    async def first_time(self, consumer: str, message_id: str) -> bool:
        """Whether `consumer` sees the message for the first time; remembered if the transaction commits."""
        ...

    async def tell(self, event: Event) -> None:
        """Puts the event into the feed when the transaction commits."""
        ...


class Store(Protocol):
    def transaction(self) -> AbstractAsyncContextManager[Transaction]: ...
    def at_once(self) -> AbstractAsyncContextManager[Transaction]:
        """Each call takes effect by itself; for those that say nothing."""
        ...


class Receivers(Protocol):
    """Those whom webhooks call."""

    async def check(self, url: str) -> None:
        """Raises InvalidArgument for a URL that must not be called, Unavailable when that cannot be told."""
        ...

    async def post(
        self, url: str, delivery: Delivery, secrets: Sequence[str], *, most: int = 0, within: float | None = None
    ) -> Outcome:
        """One request, signed by each secret. Whatever goes wrong with it is an outcome.

        `within` so many seconds, if not the usual ones. A good answer is read if it may have `most` bytes; a longer one
        is `answer_too_large`.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """An asset, as the public API shows it, and a URL that reads its source until then."""

    asset: Mapping[str, Any]
    url: str
    expire_time: datetime


class Assets(Protocol):
    """Those that somebody is asked about. Raises Unavailable."""

    async def open(self, tenant_id: str, asset_id: str) -> Source | None:
        """None where there is an answer already. Raises NotFound where there is no asset, or no source."""
        ...

    async def answer(self, tenant_id: str, asset_id: str, answer: str) -> None:
        """JSON. The first one stays."""
        ...

    async def fail(self, tenant_id: str, asset_id: str, code: str, message: str) -> None: ...


class Follower(Protocol):
    """One reader's place in the feed; it survives what happens to the feed's server."""

    @property
    def position(self) -> int:
        """Up to which the feed was looked through."""
        ...

    async def next(self, wait: float) -> Told | None:
        """The next event that is wanted; None when there was none for `wait` seconds, or for less.

        Raises Exhausted when they came faster than they were taken.
        """
        ...


class Feed(Protocol):
    def follow(self, tenant_id: str, after: int | None, wanted: Filter) -> AbstractAsyncContextManager[Follower]:
        """The tenant's events after that position; None for what comes from now on. Raises Unavailable."""
        ...
