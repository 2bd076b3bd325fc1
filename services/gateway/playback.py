"""What a playback token plays, and where its bytes lie."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from grpc.aio import AioRpcError
from reelmesh.metadata.v1 import metadata_pb2

from meshkit.errors import NotFound
from meshkit.grpc import status
from services.gateway import links
from services.gateway.cache import Cache
from services.gateway.channels import TIMEOUT

if TYPE_CHECKING:
    from reelmesh.metadata.v1 import metadata_pb2_grpc

    from meshkit.auth import Verifier
    from meshkit.objects import Objects

RESOLVED_FOR = 2.0
"""Seconds until a change of visibility, or a deletion, reaches players."""
SIGNED_FOR = 600
"""Seconds; short, because a signed URL outlives the token that it was given for."""
SIGNED_AGAIN_AFTER = 300.0
REDIRECTED_FOR = 240
"""Seconds that a player may keep a redirect: what is left of the URL is always more."""
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_SEGMENT = re.compile(r"[A-Za-z0-9._-]+")
_OCTETS = "application/octet-stream"
_MEDIA_TYPES = {
    "m3u8": "application/vnd.apple.mpegurl",
    "mpd": "application/dash+xml",
    "vtt": "text/vtt",
    "json": "application/json",
    "m4s": "video/iso.segment",
    "mp4": "video/mp4",
    "m4v": "video/mp4",
    "m4a": "audio/mp4",
    "webm": "video/webm",
    "jpg": "image/jpeg",
    "gif": "image/gif",
    "png": "image/png",
    "webp": "image/webp",
    "avif": "image/avif",
}
_TEXTS = ("m3u8", "mpd", "vtt")


@dataclass(frozen=True, slots=True, kw_only=True)
class Playback:
    tenant_id: str
    public: bool
    prefix: str
    """Where the playlists lie; empty until something is playable."""
    outputs: tuple[metadata_pb2.Output, ...]
    source_key: str = ""
    """Empty where the source is no longer kept."""
    file_name: str = ""
    content_type: str = ""

    @property
    def settled(self) -> bool:
        """No playlist will change any more."""
        streams = (each for each in self.outputs if each.kind in links.STREAMS and links.below(each, self.prefix))
        return all(output.state != metadata_pb2.Output.STATE_PREPARING for output in streams)

    def key(self, path: str) -> str:
        """Of what lies at `path`: below `prefix`, or where `links.path` has another job's. Raises NotFound."""
        for output in self.outputs:
            shown = "" if links.below(output, self.prefix) else links.path(output, self.prefix, playable=True)
            if shown and shown == path:
                return output.object_key
            # A stream's playlists name what lies beside them.
            folder = shown.rpartition("/")[0] + "/"
            if shown and output.kind in links.STREAMS and path.startswith(folder):
                return object_key(output.object_key.rpartition("/")[0], path.removeprefix(folder))
        return object_key(self.prefix, path)


def object_key(prefix: str, path: str) -> str:
    """The key of `path` below `prefix`. Raises NotFound for what could lead anywhere else."""
    segments = path.split("/")
    if not prefix or not all(_SEGMENT.fullmatch(each) and each not in {".", ".."} for each in segments):
        raise NotFound("not_found", "no such resource")
    return f"{prefix.rstrip('/')}/{path}"


def media_type(path: str) -> str:
    """By the file's ending and nothing else: what users bring is never served as a page or a script."""
    return _MEDIA_TYPES.get(_ending(path), _OCTETS)


def refers(path: str) -> bool:
    """Whether the file names others by relative paths, so that it must come from the URL it was asked at."""
    return _ending(path) in _TEXTS


class Playbacks:
    def __init__(
        self, resolver: metadata_pb2_grpc.MetadataServiceAsyncStub, verifier: Verifier, objects: Objects
    ) -> None:
        self._resolver = resolver
        self._verifier = verifier
        self._objects = objects
        self._resolved: Cache[Playback] = Cache(10_000)
        self._signed: Cache[str] = Cache(50_000)

    async def of(self, token: str) -> Playback:
        """What `token` plays: a public playback id, or a signed token. Raises NotFound or Unauthenticated."""
        if _UUID.fullmatch(token):
            playback = await self.resolve(token)
            if playback.public:
                return playback
        elif token.count(".") == 2:
            playback_id, tenant_id = await self._verifier.playback(token)
            playback = await self.resolve(playback_id)
            if playback.tenant_id == tenant_id:
                return playback
        raise NotFound("not_found", "no such resource")

    async def resolve(self, playback_id: str) -> Playback:
        return await self._resolved.get(playback_id.lower(), partial(self._ask, playback_id))

    async def url(self, key: str) -> str:
        """A URL that reads the object from the store, for at least SIGNED_AGAIN_AFTER seconds."""
        return await self._signed.get(key, partial(self._sign, key))

    async def _ask(self, playback_id: str) -> tuple[Playback, float]:
        request = metadata_pb2.ResolvePlaybackRequest(playback_id=playback_id)
        try:
            answer = await self._resolver.ResolvePlayback(request, timeout=TIMEOUT)
        except AioRpcError as error:
            raise status.from_rpc_error(error) from error
        playback = Playback(
            tenant_id=answer.tenant_id,
            public=answer.visibility == metadata_pb2.Asset.VISIBILITY_PUBLIC,
            prefix=answer.object_prefix,
            outputs=tuple(answer.outputs),
            source_key=answer.source_key,
            file_name=answer.file_name,
            content_type=answer.content_type,
        )
        # Whoever waits for the first second of a video asks again and again.
        return playback, RESOLVED_FOR if playback.prefix else 0.0

    async def _sign(self, key: str) -> tuple[str, float]:
        return self._objects.sign_get(key, SIGNED_FOR), SIGNED_AGAIN_AFTER


def _ending(path: str) -> str:
    return path.rpartition(".")[2].lower()
