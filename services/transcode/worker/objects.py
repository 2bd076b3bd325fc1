"""Sources, segments and plain files in the object store."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError

from meshkit.errors import Unavailable

if TYPE_CHECKING:
    from pathlib import Path

    from meshkit.objects import Objects

FOREVER = "public, max-age=31536000, immutable"


class S3Objects:
    def __init__(self, objects: Objects) -> None:
        self._objects = objects

    async def fetch(self, key: str, path: Path) -> None:
        await self._objects.download(key, path)

    async def read(self, key: str, start: int, size: int) -> bytes:
        answer = await self._objects.open(key, f"bytes={start}-{start + size - 1}")
        try:
            return bytes(await asyncio.to_thread(answer["Body"].read))
        except (BotoCoreError, OSError) as error:
            raise Unavailable("objects_unavailable", str(error)) from error

    async def store(self, key: str, body: bytes) -> None:
        await self._objects.put(key, body, "video/iso.segment" if key.endswith(".m4s") else "video/mp4", FOREVER)

    async def store_file(self, key: str, path: Path, content_type: str) -> None:
        await self._objects.upload(path, key, content_type, FOREVER)
