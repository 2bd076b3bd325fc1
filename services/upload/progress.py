"""How far uploads are whose bytes never pass us: the store is asked, the more often the more happens."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from meshkit.clock import utc_now
from meshkit.concurrent import all_of
from meshkit.errors import NotFound

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from services.upload.domain import Upload
    from services.upload.ports import Objects, Store

SEEN_AT_ONCE = 20
OFTEN, SELDOM = timedelta(seconds=1), timedelta(minutes=5)


class Observer:
    def __init__(self, store: Store, objects: Objects, now: Callable[[], datetime] = utc_now) -> None:
        self._store = store
        self._objects = objects
        self._now = now

    async def look(self) -> int:
        """Ask for those that are due, and say which of them grew; how many were asked for."""
        async with self._store.transaction() as tx:
            due = await tx.unseen(self._now(), SEEN_AT_ONCE)
            for upload, received in zip(due, await all_of(*map(self._received, due)), strict=True):
                grown = received > upload.received
                seen = upload.advanced(received, self._now()) if grown else upload
                await tx.keep(self._later(seen), news=seen.progress_time != upload.progress_time)
        return len(due)

    async def _received(self, upload: Upload) -> int:
        try:
            return sum(part.size for part in await self._objects.parts(upload))
        except NotFound:
            return upload.received

    def _later(self, upload: Upload) -> Upload:
        """An upload that was quiet is left alone for half as long again; one that never began, for as long."""
        now = self._now()
        quiet = (now - upload.update_time) / (2 if upload.received else 1)
        return replace(upload, look_time=now + min(max(quiet, OFTEN), SELDOM))
