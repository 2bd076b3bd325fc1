"""Votes on public assets: one per user, given and taken back freely."""

from __future__ import annotations

from typing import TYPE_CHECKING

from meshkit.errors import Conflict, NotFound
from services.metadata.domain import State, Visibility

if TYPE_CHECKING:
    from services.metadata.ports import Store, Transaction


class Votes:
    def __init__(self, store: Store) -> None:
        self._store = store

    async def cast(self, tenant_id: str, asset_id: str, subject: str) -> int:
        """The asset's votes with this one; voting again is the same as once.

        What is public is so for users of every tenant. Raises NotFound, and Conflict (`not_public`) for one's own.
        """
        async with self._store.transaction() as tx:
            await _public(tx, tenant_id, asset_id)
            return await tx.vote(asset_id, subject)

    async def withdraw(self, tenant_id: str, asset_id: str, subject: str) -> int:
        """The asset's votes without this one."""
        async with self._store.transaction() as tx:
            await _public(tx, tenant_id, asset_id)
            return await tx.withdraw(asset_id, subject)


async def _public(tx: Transaction, tenant_id: str, asset_id: str) -> None:
    asset = await tx.anyones(asset_id)
    hidden = asset is None or asset.state is State.DELETED
    if asset is None or hidden or (asset.visibility is not Visibility.PUBLIC and asset.tenant_id != tenant_id):
        raise NotFound("asset_not_found", "no such asset")
    if asset.visibility is not Visibility.PUBLIC:
        raise Conflict("not_public", "only a public asset can be voted for")
