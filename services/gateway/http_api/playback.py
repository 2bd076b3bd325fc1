"""/play: playlists and segments for players, by a public playback id or a signed token."""

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from meshkit.disposition import inline
from meshkit.errors import NotFound
from services.gateway import delivery
from services.gateway.delivery import Delivery
from services.gateway.http_api.deps import Gateway, Mesh, problems
from services.gateway.media_types import safe
from services.gateway.playback import REDIRECTED_FOR, SIGNED_FOR, Playback, media_type, refers

router = APIRouter(prefix="/play", tags=["playback"], responses=problems(401, 404))

IMMUTABLE = "public, max-age=31536000, immutable"
GROWING = "no-cache"
SETTLED = "public, max-age=10"
"""Short even so: a newer job's playlists come to the same URLs."""
PUBLIC_SOURCE = "public, max-age=3600"
"""Also how long one that went private, or was deleted, may still be shown somewhere."""
SOURCE = "source"


@router.get(
    "/{token}/{path:path}",
    response_class=Response,
    responses={
        206: {"description": "The range"},
        304: {"description": "Not modified"},
        307: {"description": "Where the object store has it"},
        **problems(416),
    },
)
async def play(token: str, path: str, request: Request, mesh: Mesh) -> Response:
    """Playlists and pictures come from here; segments too, or by a redirect to the object store (307). `source` of what
    is public is the file as it was uploaded.
    """
    wanted = await _wanted(mesh, token, path)
    if mesh.redirects and wanted.file_name and not wanted.media_type.startswith("image/"):
        url = mesh.objects.sign_get(
            wanted.key, SIGNED_FOR, media_type=wanted.media_type, disposition=inline(wanted.file_name)
        )
        return RedirectResponse(url, 307, {"Cache-Control": f"private, max-age={REDIRECTED_FOR}"})
    # Pictures are small, and shown by browsers: they come with headers of ours.
    if mesh.redirects and not wanted.file_name and not refers(path) and not wanted.media_type.startswith("image/"):
        headers = {"Cache-Control": f"private, max-age={REDIRECTED_FOR}"}
        return RedirectResponse(await mesh.playbacks.url(wanted.key), 307, headers)
    return await delivery.get(mesh.objects, wanted, request.headers)


@router.head("/{token}/{path:path}", include_in_schema=False)
async def play_head(token: str, path: str, request: Request, mesh: Mesh) -> Response:
    # Never a redirect: a signed URL is good for GET alone.
    return await delivery.head(mesh.objects, await _wanted(mesh, token, path), request.headers)


async def _wanted(mesh: Gateway, token: str, path: str) -> Delivery:
    playback = await mesh.playbacks.of(token)
    if path == SOURCE:
        return _source(playback)
    kept = IMMUTABLE
    if refers(path):
        kept = SETTLED if playback.settled else GROWING
    return Delivery(key=playback.key(path), media_type=media_type(path), cache_control=kept)


def _source(playback: Playback) -> Delivery:
    """Raises NotFound for what is not public: its source is its tenant's alone."""
    if not playback.public or not playback.source_key:
        raise NotFound("not_found", "no such resource")
    file_name = playback.file_name or SOURCE
    media_type = safe(playback.content_type, file_name)
    return Delivery(key=playback.source_key, media_type=media_type, cache_control=PUBLIC_SOURCE, file_name=file_name)
