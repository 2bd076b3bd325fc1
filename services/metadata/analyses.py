"""What an outside service is shown of assets, and what it says of them."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from meshkit.clock import utc_now
from meshkit.errors import NotFound
from services.metadata import audit
from services.metadata.analysis import AnalysisState, pending
from services.metadata.audit import PLATFORM, Action
from services.metadata.domain import Visibility
from services.metadata.service import save

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from services.metadata.domain import Asset
    from services.metadata.ports import Objects, Store

SHOWN = timedelta(hours=1)
"""How long the URL of a source is good."""


class Analyses:
    def __init__(self, store: Store, objects: Objects, now: Callable[[], datetime] = utc_now) -> None:
        self._store = store
        self._objects = objects
        self._now = now

    async def open(self, tenant_id: str, asset_id: str) -> tuple[Asset, str, datetime]:
        """The asset, and a URL that reads its source until then; empty where there is an answer already.

        Raises NotFound where there is no asset, or nothing of its source. Reading what is private is put on record.
        """
        now = self._now()
        async with self._store.transaction() as tx:
            asset = await tx.get(tenant_id, asset_id, lock=True)
            if asset is None:
                raise NotFound("asset_not_found", "no such asset")
            analysis = asset.analysis.ask(now) if asset.analysis else pending(now)
            if analysis.state is AnalysisState.READY:
                return asset, "", now
            asset = await save(tx, asset, asset.source().analyse(analysis, now))
            if asset.visibility is Visibility.PRIVATE:
                await tx.record(audit.read(asset, Action.ANALYSIS, PLATFORM, now))
        return asset, self._objects.url(asset.object_key, int(SHOWN.total_seconds())), now + SHOWN

    async def answer(self, tenant_id: str, asset_id: str, answer: str) -> None:
        """JSON. The first one stays; an asset that is deleted gets none."""
        now = self._now()
        async with self._store.transaction() as tx:
            asset = await tx.get(tenant_id, asset_id, lock=True)
            if asset is None:
                return
            answered = asset.analyse((asset.analysis or pending(now)).answer(now), now)
            if answered is not asset:
                await tx.keep_answer(asset_id, answer)
                await save(tx, asset, answered)

    async def fail(self, tenant_id: str, asset_id: str, code: str, message: str) -> None:
        """There will be no answer. The asset is none the worse."""
        now = self._now()
        async with self._store.transaction() as tx:
            asset = await tx.get(tenant_id, asset_id, lock=True)
            if asset is not None:
                failed = (asset.analysis or pending(now)).fail(code, message, now)
                await save(tx, asset, asset.analyse(failed, now))

    async def answered(self, tenant_id: str, asset_id: str) -> tuple[Asset, str]:
        """An asset and the answer, empty while there is none. Raises NotFound."""
        async with self._store.transaction() as tx:
            asset = await tx.get(tenant_id, asset_id)
            if asset is None:
                raise NotFound("asset_not_found", "no such asset")
            ready = asset.analysis and asset.analysis.state is AnalysisState.READY
            return asset, await tx.answer(asset_id) if ready else ""
