"""Streamed uploads: who may append, and how far the bytes reach.

A streamed file is whole parts in its multipart, and the bytes after the last of them as an object of its own, the tail.
Whoever appends first takes a new epoch; with it goes the word of the one before, wherever that runs.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from meshkit.clock import utc_now
from meshkit.errors import Conflict, MeshError, NotFound
from services.upload.domain import State, Transport
from services.upload.joining import joined

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from services.upload.domain import Upload
    from services.upload.formats import Policy
    from services.upload.ports import Objects, Store, Transaction

WAITED = 2.0
"""Seconds that whoever appends gets to store what it has, before another takes over."""
_LOOKED_EVERY = 0.05


class Appends:
    def __init__(
        self,
        store: Store,
        objects: Objects,
        policy_of: Callable[[str], Policy],
        now: Callable[[], datetime] = utc_now,
        waited: float = WAITED,
    ) -> None:
        self._store = store
        self._objects = objects
        self._policy_of = policy_of
        self._now = now
        self._waited = waited

    async def begin(self, tenant_id: str, upload_id: str, offset: int | None, *, release: bool = False) -> Upload:
        """The upload under a new epoch, from `offset` on where that is given.

        Raises Conflict when it stands elsewhere (`offset_mismatch`) or takes nothing more. `release` only asks where it
        stands, which nobody who appended before can change any more.
        """
        deadline = time.monotonic() + self._waited
        while True:
            async with self._store.transaction() as tx:
                upload = _streamed(await tx.get(tenant_id, upload_id, lock=True))
                if release and upload.state is not State.RECEIVING:
                    return upload
                if not upload.receiving().held(self._now()) or time.monotonic() > deadline:
                    return await self._taken(tx, upload, offset, release=release)
            await asyncio.sleep(_LOOKED_EVERY)

    async def commit(
        self,
        tenant_id: str,
        upload_id: str,
        epoch: int,
        received: int,
        *,
        release: bool = False,
        complete: bool = False,
    ) -> Upload:
        """Bytes are stored up to `received`; `complete`: and that is all of them, so join them.

        Raises Conflict (`append_superseded`) when another appends by now.
        """
        async with self._store.transaction() as tx:
            upload = _found(await tx.get(tenant_id, upload_id, lock=True))
            if upload.epoch != epoch:
                raise Conflict("append_superseded", "another request goes on with this upload")
            if complete and upload.state is State.COMPLETED:
                return upload
            advanced = upload.receiving().appended(received, self._now())
            self._policy_of(tenant_id).check_size(received)
            advanced = advanced.released() if release else advanced
            if complete:
                advanced = await self._complete(tx, advanced)
            else:
                await tx.keep(advanced, news=advanced.progress_time != upload.progress_time)
        # Only room is lost where this fails, and only until the upload is over.
        with suppress(MeshError):
            if complete:
                await self._objects.forget_tails(upload)
            elif upload.tail_key and upload.tail_key != advanced.tail_key:
                await self._objects.forget(upload.tail_key)
        return advanced

    async def _taken(self, tx: Transaction, upload: Upload, offset: int | None, *, release: bool) -> Upload:
        if offset not in {None, upload.received}:
            raise Conflict("offset_mismatch", f"the upload stands at {upload.received}", offset=upload.received)
        if upload.whole:
            # Somebody stored the last byte and died before the parts were joined.
            return await self._complete(tx, upload)
        taken = upload.taken(self._now())
        taken = taken.released() if release else taken
        await tx.keep(taken)
        return taken

    async def _complete(self, tx: Transaction, upload: Upload) -> Upload:
        sized = upload.sized(upload.received) if upload.size_deferred else upload
        if sized.received != sized.size:
            raise Conflict("parts_missing", f"{sized.received} of {sized.size} bytes are there")
        done = await joined(sized, tx, self._objects, self._policy_of(upload.tenant_id), self._now())
        await tx.save(done)
        return done


def _streamed(upload: Upload | None) -> Upload:
    if _found(upload).transport is not Transport.STREAMED:
        raise Conflict("not_streamed", "the upload takes its bytes in another way")
    return _found(upload)


def _found(upload: Upload | None) -> Upload:
    if upload is None:
        raise NotFound("upload_not_found", "no such upload")
    return upload
