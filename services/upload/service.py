"""What can be done with uploads."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING

from meshkit import pages
from meshkit.clock import utc_now
from meshkit.errors import Conflict, Exhausted, NotFound
from meshkit.ids import new_id
from services.upload.domain import SIGNED_AT_FIRST, Part, Request, State, Transport, Upload, open_upload
from services.upload.joining import joined
from services.upload.keys import NO_LAYOUT, Layout

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from services.upload.formats import Policy
    from services.upload.ports import Objects, SignedSeries, Store

DEFAULT_CONTENT_TYPE = "application/octet-stream"
URL_LIFETIME = 6 * 3600
"""Seconds that a signed part URL is good for."""
EXPIRED_AT_ONCE = 50
LOOK_SOON = timedelta(seconds=1)
"""After a client asked for URLs, the store is asked for what it did with them."""


class Uploads:
    def __init__(
        self,
        store: Store,
        objects: Objects,
        policy_of: Callable[[str], Policy],
        now: Callable[[], datetime] = utc_now,
        *,
        layout: Layout = NO_LAYOUT,
    ) -> None:
        self._store = store
        self._objects = objects
        self._policy_of = policy_of
        self._now = now
        self._layout = layout

    async def create(self, tenant_id: str, request: Request, request_id: str = "") -> tuple[Upload, list[SignedSeries]]:
        """An open upload and its first signed parts."""
        policy = self._policy_of(tenant_id)
        upload = open_upload(
            request, id=new_id(), asset_id=new_id(), tenant_id=tenant_id, now=self._now(), policy=policy
        )
        template = await self._store.template(tenant_id)
        key = self._layout.key(
            tenant_id=tenant_id, asset_id=upload.asset_id, labels=request.labels, at=upload.create_time, own=template
        )
        upload = replace(upload, object_key=key)
        multipart_id = await self._objects.begin(upload.object_key, upload.content_type or DEFAULT_CONTENT_TYPE)
        made = replace(upload, multipart_id=multipart_id)
        try:
            async with self._store.transaction() as tx:
                kept = await tx.add(made, request_id)
        except (Conflict, Exhausted):
            # Such as: others were faster, and took the rest of the quota.
            await self._objects.abort(made)
            raise
        if kept.id != made.id:
            await self._objects.abort(made)
        signs = kept.state is State.RECEIVING and kept.transport is Transport.PRESIGNED
        first = range(1, min(kept.part_count, SIGNED_AT_FIRST) + 1) if signs else ()
        return kept, self._signed(kept, first)

    async def get(self, tenant_id: str, upload_id: str) -> Upload:
        return _found(await self._store.find(tenant_id, upload_id))

    async def page(self, tenant_id: str, page_size: int, page_token: str) -> tuple[list[Upload], str]:
        size = page_size or pages.DEFAULT_SIZE
        async with self._store.transaction() as tx:
            rows = await tx.page(tenant_id, before=pages.before(page_token), limit=size + 1)
        return pages.page(rows, size)

    async def sign(self, tenant_id: str, upload_id: str, numbers: Sequence[int]) -> list[SignedSeries]:
        upload = (await self.get(tenant_id, upload_id)).receiving()
        if upload.transport.appended:
            raise Conflict("not_in_parts", "the upload takes its bytes in another way")
        signed = self._signed(upload, numbers)
        soon = self._now() + LOOK_SOON
        if upload.look_time is not None and upload.look_time > soon:
            async with self._store.transaction() as tx:
                await tx.look_soon(upload.id, soon)
        return signed

    async def parts(self, tenant_id: str, upload_id: str) -> list[Part]:
        """The parts received so far; of a completed upload, all of them."""
        upload = await self.get(tenant_id, upload_id)
        if upload.transport.appended:
            raise Conflict("not_in_parts", "the upload takes its bytes in another way")
        if upload.state is State.COMPLETED and not upload.part_size:
            return []
        if upload.state is State.COMPLETED:
            return [
                Part(number=number, etag="", size=upload.part_bytes(number))
                for number in range(1, upload.part_count + 1)
            ]
        return await self._objects.parts(upload.receiving())

    async def complete(self, tenant_id: str, upload_id: str, claimed: Sequence[Part] = ()) -> Upload:
        """Join the parts, once: concurrent calls wait for the first and see what it did.

        `claimed` are the parts as the client saw them. Raises Conflict (`parts_missing`, `part_mismatch`) while the
        store holds something else.
        """
        async with self._store.transaction() as tx:
            upload = _found(await tx.get(tenant_id, upload_id, lock=True))
            if upload.state is State.COMPLETED:
                return upload
            if upload.receiving().transport.appended and not upload.whole:
                raise Conflict("parts_missing", f"{upload.received} bytes are there, and more to come")
            done = await joined(upload, tx, self._objects, self._policy_of(tenant_id), self._now(), claimed)
            await tx.save(done)
        return done

    async def abort(self, tenant_id: str, upload_id: str) -> Upload:
        """Give the upload up. An upload that is over already stays as it is, unless it completed."""
        async with self._store.transaction() as tx:
            upload = _found(await tx.get(tenant_id, upload_id, lock=True))
            if upload.state in {State.ABORTED, State.EXPIRED, State.FAILED}:
                return upload
            aborted = upload.abort(self._now())
            await self._objects.abort(upload)
            await tx.save(aborted)
        return aborted

    async def contradict(self, tenant_id: str, asset_id: str, code: str, message: str) -> None:
        """Its bytes were read, and are not what was declared. Idempotent."""
        async with self._store.transaction() as tx:
            upload = await tx.of_asset(tenant_id, asset_id)
            if upload is not None and (failed := upload.contradicted(code, message, self._now())) is not upload:
                await tx.save(failed)

    async def free(self, tenant_id: str, asset_id: str) -> None:
        """The source of an asset is gone: it counts no more. Idempotent."""
        async with self._store.transaction() as tx:
            if (upload := await tx.of_asset(tenant_id, asset_id)) is not None:
                await tx.free(upload)

    async def forget(self, tenant_id: str, asset_id: str) -> None:
        """Nothing is left of an asset: nor of its upload. Idempotent."""
        async with self._store.transaction() as tx:
            if (upload := await tx.of_asset(tenant_id, asset_id)) is not None:
                await tx.free(upload)
                await tx.forget(upload)

    async def expire_stale(self) -> int:
        """Expire uploads past their time and free their parts; how many there were."""
        async with self._store.transaction() as tx:
            stale = await tx.stale(self._now(), EXPIRED_AT_ONCE)
            # In one order, as everybody who changes several tenants' counts does.
            for upload in sorted(stale, key=lambda each: each.tenant_id):
                await self._objects.abort(upload)
                await tx.save(upload.expire(self._now()))
        return len(stale)

    def _signed(self, upload: Upload, numbers: Sequence[int]) -> list[SignedSeries]:
        sizes = ((number, upload.part_bytes(number) if upload.part_size else None) for number in numbers)
        series = [(size, [number for number, _ in same]) for size, same in groupby(sizes, itemgetter(1))]
        return [self._objects.sign(upload, same, size, URL_LIFETIME) for size, same in series]


def _found(upload: Upload | None) -> Upload:
    if upload is None:
        raise NotFound("upload_not_found", "no such upload")
    return upload
