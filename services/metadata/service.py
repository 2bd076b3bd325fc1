"""What happens to assets, and what can be done with them."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from meshkit import pages
from meshkit.clock import utc_now
from meshkit.errors import NotFound
from services.metadata import audit, history, listing
from services.metadata.audit import Action
from services.metadata.domain import Asset, Fact, State, Visibility, asset_of, fact
from services.metadata.removals import purge

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from services.metadata.domain import Changes, Source
    from services.metadata.history import Line
    from services.metadata.jobs import Job
    from services.metadata.listing import Filter, Order
    from services.metadata.ports import Delivery, Store, Transaction


class Assets:
    def __init__(self, store: Store, now: Callable[[], datetime] = utc_now) -> None:
        self._store = store
        self._now = now

    async def take_in(self, source: Source, delivery: Delivery) -> None:
        """An upload completed: it is an asset from here on."""
        # A public URL carries the playback id: unlike a UUIDv7 this one tells nothing and cannot be guessed.
        asset = asset_of(source, playback_id=str(uuid.uuid4()), now=self._now())
        async with self._store.transaction() as tx:
            if await tx.first_time(delivery.consumer, delivery.message_id) and await tx.add(asset):
                await tx.note(history.first_line(asset, Fact.CREATED))

    async def follow(self, job: Job, transition: Callable[[Asset, Job, datetime], Asset], delivery: Delivery) -> None:
        """A job came further: so may its asset. Jobs come after their asset, so that one without is gone for good."""
        async with self._store.transaction() as tx:
            if await tx.first_time(delivery.consumer, delivery.message_id):
                asset = await tx.get(job.tenant_id, job.asset_id, lock=True)
                if asset is not None:
                    await save(tx, asset, transition(asset, job, self._now()))

    async def get(self, tenant_id: str, asset_id: str) -> Asset:
        """Deleted assets too: they say so."""
        async with self._store.transaction() as tx:
            return _found(await tx.get(tenant_id, asset_id))

    async def open(self, tenant_id: str, asset_id: str, action: Action, subject: str) -> Asset:
        """An asset that is about to be read. Raises NotFound where it is deleted, or what is to be read no longer kept.

        Reading what is private is put on record.
        """
        async with self._store.transaction() as tx:
            asset = _found(await tx.get(tenant_id, asset_id))
            reads = asset.present().playable if action is Action.PLAYBACK else bool(asset.source())
            if reads and asset.visibility is Visibility.PRIVATE:
                await tx.record(audit.read(asset, action, subject, self._now()))
        return asset

    async def page(
        self, tenant_id: str, wanted: Filter, order: Order, page_size: int, page_token: str
    ) -> tuple[list[Asset], str]:
        size = page_size or pages.DEFAULT_SIZE
        after = listing.place_of(page_token, order)
        async with self._store.transaction() as tx:
            rows = await tx.page(tenant_id, wanted, order, after=after, limit=size + 1)
        return listing.page(rows, size, order)

    async def history(self, tenant_id: str, asset_id: str, page_size: int, page_token: str) -> tuple[list[Line], str]:
        """Newest first."""
        size = page_size or pages.DEFAULT_SIZE
        before = pages.before(page_token)
        async with self._store.transaction() as tx:
            _found(await tx.get(tenant_id, asset_id))
            rows = await tx.history(asset_id, before=before, limit=size + 1)
        return pages.page(rows, size)

    async def update(self, tenant_id: str, asset_id: str, changes: Changes, etag: str, subject: str) -> Asset:
        async with self._store.transaction() as tx:
            asset = _found(await tx.get(tenant_id, asset_id, lock=True))
            return await save(tx, asset, asset.update(changes, self._now(), etag), subject)

    async def delete(
        self, tenant_id: str, asset_id: str, etag: str, subject: str, *, hard: bool = False
    ) -> Asset | None:
        """Hidden from now on; `hard` also forgets it and has its objects removed, and then there is no asset to give.

        Doing it again is the same as once.
        """
        now = self._now()
        async with self._store.transaction() as tx:
            asset = await tx.get(tenant_id, asset_id, lock=True)
            if asset is None and hard and await tx.removed(tenant_id, asset_id):
                return None
            asset = _found(asset)
            deleted = await save(tx, asset, asset.delete(now, etag), subject)
            if deleted is not asset or hard:
                action = Action.HARD_DELETE if hard else Action.DELETE
                await tx.record(audit.deletion(deleted, action, subject, now))
            if hard:
                await purge(tx, deleted, now)
        return None if hard else deleted

    async def restore(self, tenant_id: str, asset_id: str, etag: str, subject: str) -> Asset:
        """Deleted no longer; of an asset that is not deleted, nothing."""
        now = self._now()
        async with self._store.transaction() as tx:
            asset = _found(await tx.get(tenant_id, asset_id, lock=True))
            restored = await save(tx, asset, asset.restore(now, etag), subject)
            if restored is not asset:
                await tx.record(audit.deletion(restored, Action.RESTORE, subject, now))
        return restored

    async def resolve(self, playback_id: str) -> Asset:
        """What a playback id plays, whoever's it is. Raises NotFound where there is nothing to play, or no more."""
        async with self._store.transaction() as tx:
            asset = await tx.playing(playback_id)
        if asset is None or asset.state in {State.DELETED, State.FAILED}:
            raise NotFound("playback_not_found", "no such playback id")
        return asset


async def save(tx: Transaction, before: Asset, after: Asset, subject: str = "") -> Asset:
    """Stores and says what has changed; `before` is locked."""
    if after is not before:
        await tx.save(after, fact(before, after))
        await tx.note(history.line(before, after, subject=subject))
    return after


def _found(asset: Asset | None) -> Asset:
    if asset is None:
        raise NotFound("asset_not_found", "no such asset")
    return asset
