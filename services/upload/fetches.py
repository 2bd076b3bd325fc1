"""Files that the platform fetches itself, from a URL: taken up by any replica, begun anew where one dies."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from meshkit.clock import utc_now
from meshkit.errors import MeshError, Unavailable
from meshkit.parts import Parts
from services.upload.domain import State

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from services.upload.appends import Appends
    from services.upload.domain import Upload
    from services.upload.formats import Policy
    from services.upload.ports import Objects, PartStore, Store, Web

AT_ONCE = 4
ATTEMPTS = 3
LOOKED_EVERY = 1.0
COMMITTED_EVERY = 1.0
"""Seconds."""


class Fetches:
    def __init__(
        self,
        store: Store,
        objects: Objects,
        appends: Appends,
        web: Web,
        parts: PartStore,
        policy_of: Callable[[str], Policy],
        *,
        seconds: float,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        """A file that is not there after `seconds` is given up."""
        self._store = store
        self._objects = objects
        self._appends = appends
        self._web = web
        self._parts = parts
        self._policy_of = policy_of
        self._seconds = seconds
        self._now = now
        self._running: set[asyncio.Task[None]] = set()

    async def vet(self, url: str) -> None:
        """Raises InvalidArgument for a URL that is not fetched."""
        await self._web.vet(url)

    async def run(self) -> None:
        """Fetch what there is to fetch, until cancelled."""
        async with asyncio.TaskGroup() as group:
            while True:
                # The database may be away; then it is asked again.
                with suppress(Unavailable):
                    for upload in await self._taken(AT_ONCE - len(self._running)):
                        task = group.create_task(self._one(upload))
                        self._running.add(task)
                        task.add_done_callback(self._running.discard)
                await asyncio.sleep(LOOKED_EVERY)

    async def _taken(self, free: int) -> list[Upload]:
        if free <= 0:
            return []
        async with self._store.transaction() as tx:
            due = await tx.unfetched(self._now(), free)
            taken = [replace(each.taken(self._now()), attempts=each.attempts + 1, received=0) for each in due]
            for upload in sorted(taken, key=lambda each: each.tenant_id):
                await tx.keep(upload)
        return taken

    async def _one(self, upload: Upload) -> None:
        try:
            async with asyncio.timeout(self._seconds):
                await self._fetch(upload)
        except TimeoutError:
            await self._give_up(upload, "fetch_timeout", f"the file was not there after {self._seconds:g} s")
        except Unavailable as error:
            if upload.attempts >= ATTEMPTS:
                await self._give_up(upload, error.reason, error.message)
            # Else it is taken up again when nobody is believed to hold it any more.
        except MeshError as error:
            await self._give_up(upload, error.reason, error.message)

    async def _fetch(self, upload: Upload) -> None:
        policy = self._policy_of(upload.tenant_id)
        stored, committed = 0, time.monotonic()

        async def put(number: int, chunks: list[bytes]) -> None:
            await self._parts.put_part(upload.object_key, upload.multipart_id, number, chunks)

        async def advance(end: int) -> None:
            nonlocal stored
            stored = end

        async with (
            self._web.get(upload.source_url) as download,
            Parts(part_size=upload.part_size, offset=0, put=put, stored=advance) as parts,
        ):
            policy.check_size(download.size or 0)
            async for chunk in download.chunks:
                await parts.feed(chunk)
                policy.check_size(parts.end)
                if time.monotonic() - committed >= COMMITTED_EVERY:
                    await self._commit(upload, stored)
                    committed = time.monotonic()
            end = parts.end
            await parts.finish()
        await self._commit(upload, end, complete=True)

    async def _commit(self, upload: Upload, received: int, *, complete: bool = False) -> None:
        await self._appends.commit(upload.tenant_id, upload.id, upload.epoch, received, complete=complete)

    async def _give_up(self, upload: Upload, code: str, message: str) -> None:
        with suppress(Unavailable):
            async with self._store.transaction() as tx:
                current = await tx.get(upload.tenant_id, upload.id, lock=True)
                if current and current.epoch == upload.epoch and current.state is State.RECEIVING:
                    await self._objects.abort(current)
                    await tx.save(current.fail(code, message, self._now()))
