"""What can be done with uploads."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Protocol

from meshkit import pages
from meshkit.errors import Conflict, NotFound
from meshkit.ids import new_id
from services.upload.domain import SIGNED_AT_FIRST, Part, Request, State, Upload, open_upload

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from contextlib import AbstractAsyncContextManager

DEFAULT_CONTENT_TYPE = "application/octet-stream"
URL_LIFETIME = 6 * 3600
"""Seconds that a signed part URL is good for."""
EXPIRED_AT_ONCE = 50


class Transaction(Protocol):
    async def add(self, upload: Upload, request_id: str) -> Upload:
        """Stores and gives `upload`; or gives the one that the tenant made before with the same `request_id`."""
        ...

    async def get(self, tenant_id: str, upload_id: str, *, lock: bool = False) -> Upload | None: ...

    async def page(self, tenant_id: str, *, before: str | None, limit: int) -> Sequence[Upload]: ...

    async def stale(self, now: datetime, limit: int) -> Sequence[Upload]:
        """Receiving uploads past their time, locked; those that somebody else holds are left out."""
        ...

    async def save(self, upload: Upload) -> None:
        """Stores the upload's new state and says it as an event."""
        ...


class Store(Protocol):
    def transaction(self) -> AbstractAsyncContextManager[Transaction]: ...


class Objects(Protocol):
    """Raises NotFound, Conflict or Unavailable."""

    async def begin(self, key: str, content_type: str) -> str: ...
    def sign(self, upload: Upload, number: int, expires_in: int) -> str: ...
    async def parts(self, upload: Upload) -> list[Part]: ...
    async def join(self, upload: Upload, parts: list[Part]) -> None: ...
    async def abort(self, upload: Upload) -> None: ...
    async def size(self, key: str) -> int: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedPart:
    number: int
    url: str
    size: int


def _now() -> datetime:
    return datetime.now(UTC)


class Uploads:
    def __init__(self, store: Store, objects: Objects, now: Callable[[], datetime] = _now) -> None:
        self._store = store
        self._objects = objects
        self._now = now

    async def create(self, tenant_id: str, request: Request, request_id: str = "") -> tuple[Upload, list[SignedPart]]:
        """An open upload and its first signed parts."""
        upload = open_upload(request, id=new_id(), asset_id=new_id(), tenant_id=tenant_id, now=self._now())
        multipart_id = await self._objects.begin(upload.object_key, upload.content_type or DEFAULT_CONTENT_TYPE)
        made = replace(upload, multipart_id=multipart_id)
        async with self._store.transaction() as tx:
            kept = await tx.add(made, request_id)
        if kept.id != made.id:
            await self._objects.abort(made)
        first = range(1, min(kept.part_count, SIGNED_AT_FIRST) + 1)
        return kept, self._signed(kept, first) if kept.state is State.RECEIVING else []

    async def get(self, tenant_id: str, upload_id: str) -> Upload:
        async with self._store.transaction() as tx:
            return _found(await tx.get(tenant_id, upload_id))

    async def page(self, tenant_id: str, page_size: int, page_token: str) -> tuple[list[Upload], str]:
        size = page_size or pages.DEFAULT_SIZE
        async with self._store.transaction() as tx:
            rows = await tx.page(tenant_id, before=pages.before(page_token), limit=size + 1)
        return pages.page(rows, size)

    async def sign(self, tenant_id: str, upload_id: str, numbers: Sequence[int]) -> list[SignedPart]:
        upload = (await self.get(tenant_id, upload_id)).receiving()
        return self._signed(upload, numbers)

    async def parts(self, tenant_id: str, upload_id: str) -> list[Part]:
        """The parts received so far; of a completed upload, all of them."""
        upload = await self.get(tenant_id, upload_id)
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
            upload.receiving()
            joined = await self._join(upload, claimed)
            await tx.save(joined)
        return joined

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

    async def expire_stale(self) -> int:
        """Expire uploads past their time and free their parts; how many there were."""
        async with self._store.transaction() as tx:
            stale = await tx.stale(self._now(), EXPIRED_AT_ONCE)
            for upload in stale:
                await self._objects.abort(upload)
                await tx.save(upload.expire(self._now()))
        return len(stale)

    def _signed(self, upload: Upload, numbers: Sequence[int]) -> list[SignedPart]:
        return [
            SignedPart(
                number=number,
                url=self._objects.sign(upload, number, URL_LIFETIME),
                size=upload.part_bytes(number),
            )
            for number in numbers
        ]

    async def _join(self, upload: Upload, claimed: Sequence[Part]) -> Upload:
        try:
            received = await self._objects.parts(upload)
        except NotFound:
            # An earlier call joined them and died before its commit: the object is there, its multipart is not.
            return await self._checked(upload)
        if missing := upload.missing(received):
            shown = ", ".join(str(number) for number in missing[:10])
            raise Conflict("parts_missing", f"parts not received yet: {shown}", parts=shown)
        etags = {part.number: part.etag for part in received}
        for part in claimed:
            if etags.get(part.number) != part.etag:
                raise Conflict("part_mismatch", f"part {part.number} is not what the store holds", part=part.number)
        await self._objects.join(upload, received)
        return await self._checked(upload)

    async def _checked(self, upload: Upload) -> Upload:
        try:
            size = await self._objects.size(upload.object_key)
        except NotFound:
            return upload.fail("object_lost", "the object store no longer has the parts", self._now())
        if size != upload.size:
            return upload.fail("size_mismatch", f"{size} bytes came, {upload.size} were declared", self._now())
        return upload.complete(self._now())


def _found(upload: Upload | None) -> Upload:
    if upload is None:
        raise NotFound("upload_not_found", "no such upload")
    return upload
