"""Hard deletion: the rows go at once, the objects after them, and nothing that is left behind stays."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from meshkit.clock import utc_now
from meshkit.errors import MeshError
from meshkit.ids import new_id
from services.metadata.ports import Removal

if TYPE_CHECKING:
    from collections.abc import Callable

    from services.metadata.domain import Asset
    from services.metadata.ports import Objects, Store, Transaction

AT_ONCE = 20
NOTICE = timedelta(seconds=3)
"""Workers hear within about a second that a job was cancelled, and stop writing."""
LEASE = timedelta(minutes=2)
"""Until somebody else tries what was begun here."""
AGAIN = timedelta(hours=1)
"""One more round, for what a worker that was frozen wrote after the first."""
ROUNDS = 2


async def purge(tx: Transaction, asset: Asset, now: datetime) -> None:
    """The asset's rows go; its objects will."""
    await tx.purge(asset)
    # A key that does not carry the asset's id could be a folder of others.
    prefix = asset.folder if asset.id in asset.folder else asset.object_key
    await tx.remove(_removal(asset, prefix, now + NOTICE, purge=True))


async def drop_source(tx: Transaction, asset: Asset, now: datetime) -> None:
    """The asset's source object will go."""
    await tx.remove(_removal(asset, asset.object_key, now + NOTICE, purge=False))


def _removal(asset: Asset, prefix: str, due: datetime, *, purge: bool) -> Removal:
    return Removal(id=new_id(), tenant_id=asset.tenant_id, asset_id=asset.id, prefix=prefix, purge=purge, due_time=due)


class Removals:
    """Any number may run: each removal is leased to one, and doing it twice does no harm."""

    def __init__(self, store: Store, objects: Objects, now: Callable[[], datetime] = utc_now) -> None:
        self._store = store
        self._objects = objects
        self._now = now

    async def run_once(self) -> None:
        now = self._now()
        async with self._store.transaction() as tx:
            due = await tx.due(now, AT_ONCE)
            for removal in due:
                await tx.remove(replace(removal, due_time=now + LEASE))
        failure: MeshError | None = None
        for removal in due:
            try:
                await self._objects.remove(removal.prefix)
                await self._done(removal)
            except MeshError as error:
                # One folder's trouble shall not hold up the others.
                failure = error
        if failure:
            raise failure

    async def _done(self, removal: Removal) -> None:
        after = replace(removal, rounds=removal.rounds + 1, due_time=self._now() + AGAIN)
        async with self._store.transaction() as tx:
            if removal.purge and removal.rounds == 0:
                await tx.say_purged(removal)
            await (tx.remove(after) if after.rounds < ROUNDS else tx.forget(removal))
