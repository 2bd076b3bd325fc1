"""What happens to assets, and what can be done with them."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Protocol

from meshkit import pages
from meshkit.errors import NotFound, Unavailable
from services.metadata.domain import Asset, Fact, Kind, State, Visibility, asset_of, fact

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from contextlib import AbstractAsyncContextManager

    from services.metadata.domain import Changes, Job, Source

PATIENCE = timedelta(minutes=5)
"""How long a job's fact waits for its asset: uploads and jobs come by different streams."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Which assets to list; None for any. Deleted ones are listed only where they are asked for."""

    kind: Kind | None = None
    state: State | None = None
    visibility: Visibility | None = None
    labels: Mapping[str, str]


class Delivery(Protocol):
    """A message as its consumer got it; the id is the same over all its deliveries."""

    @property
    def consumer(self) -> str: ...
    @property
    def message_id(self) -> str: ...
    @property
    def create_time(self) -> datetime: ...


class Transaction(Protocol):
    async def first_time(self, consumer: str, message_id: str) -> bool:
        """Whether `consumer` sees the message for the first time; remembered if the transaction commits."""
        ...

    async def add(self, asset: Asset) -> None:
        """Stores a new asset and says so; of an asset that is there already, nothing."""
        ...

    async def get(self, tenant_id: str, asset_id: str, *, lock: bool = False) -> Asset | None: ...

    async def playing(self, playback_id: str) -> Asset | None: ...

    async def page(self, tenant_id: str, wanted: Filter, *, before: str | None, limit: int) -> Sequence[Asset]: ...

    async def save(self, asset: Asset, fact: Fact) -> None:
        """Stores the asset's new state and says it as an event."""
        ...


class Store(Protocol):
    def transaction(self) -> AbstractAsyncContextManager[Transaction]: ...


def _now() -> datetime:
    return datetime.now(UTC)


class Assets:
    def __init__(self, store: Store, now: Callable[[], datetime] = _now) -> None:
        self._store = store
        self._now = now

    async def take_in(self, source: Source, delivery: Delivery) -> None:
        """An upload completed: it is an asset from here on."""
        # A public URL carries the playback id: unlike a UUIDv7 this one tells nothing and cannot be guessed.
        asset = asset_of(source, playback_id=str(uuid.uuid4()), now=self._now())
        async with self._store.transaction() as tx:
            if await tx.first_time(delivery.consumer, delivery.message_id):
                await tx.add(asset)

    async def follow(self, job: Job, transition: Callable[[Asset, Job, datetime], Asset], delivery: Delivery) -> None:
        """A job came further: so may its asset.

        Raises Unavailable (`asset_not_known_yet`) while the asset may still be on its way here, and NotFound after.
        """
        async with self._store.transaction() as tx:
            if not await tx.first_time(delivery.consumer, delivery.message_id):
                return
            asset = await tx.get(job.tenant_id, job.asset_id, lock=True)
            if asset is not None:
                await _save(tx, asset, transition(asset, job, self._now()))
            elif self._now() - delivery.create_time < PATIENCE:
                raise Unavailable("asset_not_known_yet", "the asset's upload was not heard of yet")
            else:
                raise NotFound("asset_not_found", "no such asset")

    async def get(self, tenant_id: str, asset_id: str) -> Asset:
        """Deleted assets too: they say so."""
        async with self._store.transaction() as tx:
            return _found(await tx.get(tenant_id, asset_id))

    async def page(self, tenant_id: str, wanted: Filter, page_size: int, page_token: str) -> tuple[list[Asset], str]:
        size = page_size or pages.DEFAULT_SIZE
        async with self._store.transaction() as tx:
            rows = await tx.page(tenant_id, wanted, before=pages.before(page_token), limit=size + 1)
        return pages.page(rows, size)

    async def update(self, tenant_id: str, asset_id: str, changes: Changes, etag: str) -> Asset:
        async with self._store.transaction() as tx:
            asset = _found(await tx.get(tenant_id, asset_id, lock=True))
            return await _save(tx, asset, asset.update(changes, self._now(), etag))

    async def delete(self, tenant_id: str, asset_id: str, etag: str) -> Asset:
        async with self._store.transaction() as tx:
            asset = _found(await tx.get(tenant_id, asset_id, lock=True))
            return await _save(tx, asset, asset.delete(self._now(), etag))

    async def resolve(self, playback_id: str) -> Asset:
        """What a playback id plays, whoever's it is. Raises NotFound where there is nothing to play, or no more."""
        async with self._store.transaction() as tx:
            asset = await tx.playing(playback_id)
        if asset is None or asset.state in {State.DELETED, State.FAILED}:
            raise NotFound("playback_not_found", "no such playback id")
        return asset


async def _save(tx: Transaction, before: Asset, after: Asset) -> Asset:
    if after is not before:
        await tx.save(after, fact(before, after))
    return after


def _found(asset: Asset | None) -> Asset:
    if asset is None:
        raise NotFound("asset_not_found", "no such asset")
    return asset
