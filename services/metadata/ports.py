"""What the metadata service needs from outside."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from services.metadata.history import KEPT

if TYPE_CHECKING:
    from collections.abc import Sequence
    from contextlib import AbstractAsyncContextManager
    from datetime import datetime

    from services.metadata.audit import Record, Wanted
    from services.metadata.domain import Asset, Fact
    from services.metadata.history import Line
    from services.metadata.listing import Filter, Order, Place
    from services.metadata.policy import Policy


@dataclass(frozen=True, slots=True, kw_only=True)
class Removal:
    """Objects that must go: all below `prefix`. `purge`: their asset has gone with them."""

    id: str
    tenant_id: str
    asset_id: str
    prefix: str
    purge: bool
    due_time: datetime
    rounds: int = 0
    """Times that they were removed already."""


class Delivery(Protocol):
    """A message as its consumer got it; the id is the same over all its deliveries."""

    @property
    def consumer(self) -> str: ...
    @property
    def message_id(self) -> str: ...


class Transaction(Protocol):
    async def first_time(self, consumer: str, message_id: str) -> bool:
        """Whether `consumer` sees the message for the first time; remembered if the transaction commits."""
        ...

    async def add(self, asset: Asset) -> bool:
        """Stores a new asset and says so; False for one that is there already."""
        ...

    async def get(self, tenant_id: str, asset_id: str, *, lock: bool = False) -> Asset | None: ...
    async def playing(self, playback_id: str) -> Asset | None: ...
    async def page(
        self, tenant_id: str, wanted: Filter, order: Order, *, after: Place | None, limit: int
    ) -> Sequence[Asset]: ...

    async def save(self, asset: Asset, fact: Fact) -> None:
        """Stores the asset's new state, its votes aside, and says it as an event."""
        ...

    async def keep_answer(self, asset_id: str, answer: str) -> None:
        """What an outside service said of the asset; the first one stays."""
        ...

    async def answer(self, asset_id: str) -> str: ...

    async def note(self, line: Line, keep: int = KEPT) -> None:
        """Adds to the asset's history, which keeps the newest lines."""
        ...

    async def history(self, asset_id: str, *, before: str | None, limit: int) -> Sequence[Line]:
        """Newest first."""
        ...

    async def record(self, record: Record) -> None:
        """Adds to the audit log; of a record that repeats another, nothing."""
        ...

    async def audited(self, tenant_id: str, wanted: Wanted, *, before: str | None, limit: int) -> Sequence[Record]:
        """Newest first."""
        ...

    async def anyones(self, asset_id: str) -> Asset | None:
        """An asset of whichever tenant, locked."""
        ...

    async def vote(self, asset_id: str, subject: str) -> int:
        """The subject's vote for a locked asset, if there is none yet; the asset's votes then."""
        ...

    async def withdraw(self, asset_id: str, subject: str) -> int: ...
    async def policy(self, tenant_id: str) -> Policy | None: ...
    async def save_policy(self, tenant_id: str, policy: Policy) -> None: ...

    async def overdue(self, now: datetime, default: Policy, limit: int) -> Sequence[Asset]:
        """Deleted assets past their time, locked; those that somebody else holds are left out."""
        ...

    async def overdue_sources(self, now: datetime, default: Policy, limit: int) -> Sequence[Asset]:
        """Ready assets whose source is past its time, locked likewise."""
        ...

    async def purge(self, asset: Asset) -> None:
        """Every row of the asset but its audit records."""
        ...

    async def remove(self, removal: Removal) -> None:
        """Stores the removal, or its new state."""
        ...

    async def removed(self, tenant_id: str, asset_id: str) -> bool:
        """Whether the asset was purged, and its removal is still known."""
        ...

    async def due(self, now: datetime, limit: int) -> Sequence[Removal]:
        """Locked; those that somebody else holds are left out."""
        ...

    async def forget(self, removal: Removal) -> None: ...
    async def say_purged(self, removal: Removal) -> None: ...


class Store(Protocol):
    def transaction(self) -> AbstractAsyncContextManager[Transaction]: ...


class Objects(Protocol):
    async def remove(self, prefix: str) -> None:
        """Every object below it. Idempotent. Raises Unavailable when any is left."""
        ...

    def url(self, key: str, expires_in: int) -> str:
        """Reads the object, for so many seconds."""
        ...
