"""An upload's parts in the object store."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from meshkit.instruments import PRESIGN_DURATION
from meshkit.objects import PartInfo
from services.upload.domain import Part
from services.upload.ports import SignedSeries

if TYPE_CHECKING:
    from collections.abc import Sequence

    from meshkit.objects import Objects
    from meshkit.storing import Storing
    from services.upload.domain import Upload


class S3Objects:
    def __init__(self, objects: Objects, storing: Storing) -> None:
        self._objects = objects
        self._storing = storing

    async def begin(self, key: str, content_type: str) -> str:
        return await self._storing.begin_multipart(key, content_type)

    def sign(self, upload: Upload, numbers: Sequence[int], size: int | None, expires_in: int) -> SignedSeries:
        began = time.perf_counter()
        begin, end, signatures = self._objects.sign_parts(
            upload.object_key, upload.multipart_id, numbers, size, expires_in
        )
        PRESIGN_DURATION.record(time.perf_counter() - began)
        return SignedSeries(numbers=numbers, size=size, begin=begin, end=end, signatures=signatures)

    async def parts(self, upload: Upload) -> list[Part]:
        parts = await self._objects.parts(upload.object_key, upload.multipart_id)
        return [Part(number=part.number, etag=part.etag, size=part.size) for part in parts]

    async def join(self, upload: Upload, parts: list[Part]) -> None:
        infos = [PartInfo(number=part.number, etag=part.etag, size=part.size) for part in parts]
        await self._objects.complete_multipart(upload.object_key, upload.multipart_id, infos)

    async def abort(self, upload: Upload) -> None:
        await self._objects.abort_multipart(upload.object_key, upload.multipart_id)
        await self.forget(upload.object_key)
        if upload.transport.appended:
            await self.forget_tails(upload)

    async def size(self, key: str) -> int:
        return (await self._objects.head(key)).size

    async def forget(self, key: str) -> None:
        await self._objects.delete_prefix(key)

    async def forget_tails(self, upload: Upload) -> None:
        await self._objects.delete_prefix(upload.tails)
