"""An asset's objects in the object store."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from meshkit.objects import Objects


class S3Objects:
    def __init__(self, objects: Objects) -> None:
        self._objects = objects

    async def remove(self, prefix: str) -> None:
        await self._objects.delete_prefix(prefix)

    def url(self, key: str, expires_in: int) -> str:
        return self._objects.sign_get(key, expires_in)
