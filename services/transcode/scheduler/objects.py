"""Playlists, and what is told of a stream, in the object store."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from meshkit.objects import Objects

_TYPES = {"m3u8": "application/vnd.apple.mpegurl", "mpd": "application/dash+xml", "json": "application/json"}


class S3Playlists:
    def __init__(self, objects: Objects) -> None:
        self._objects = objects

    async def write(self, key: str, text: str, *, final: bool) -> None:
        """A growing playlist must not be kept; a final one may be, for a minute."""
        cache = "public, max-age=60" if final else "no-cache"
        await self._objects.put(key, text.encode(), _TYPES[key.rsplit(".", 1)[-1]], cache)
