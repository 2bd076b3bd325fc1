"""/embed: a player and nothing else, to be shown in a frame of any page."""

from html import escape
from pathlib import Path

from fastapi import APIRouter
from fastapi.responses import HTMLResponse
from fastapi.staticfiles import StaticFiles

from meshkit.errors import NotFound
from services.gateway.http_api.deps import Mesh, problems
from services.gateway.links import Links
from services.gateway.wire import from_playback

ASSETS = "/embed/assets"
_HERE = Links("")
"""URLs of whatever host the page came from."""
assets = StaticFiles(directory=Path(__file__).parents[1] / "player")
router = APIRouter(prefix="/embed", tags=["playback"], responses=problems(401, 404))

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<link rel="stylesheet" href="{assets}/player.css">
</head>
<body>
<video controls playsinline poster="{poster}" data-hls="{hls}"></video>
<script src="{assets}/hls.min.js"></script>
<script src="{assets}/player.js"></script>
</body>
</html>
"""
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self' {store}; "
    "media-src 'self' blob: {store}; worker-src blob:; base-uri 'none'; form-action 'none'"
)


@router.get("/{token}", response_class=HTMLResponse)
async def embed(token: str, mesh: Mesh) -> HTMLResponse:
    """A page that plays a video, or sound, by a public playback id or a signed token. What is no stream has none."""
    playback = await mesh.playbacks.of(token)
    told = from_playback(playback.outputs, playback.prefix, token, _HERE)
    if not told["hls_url"]:
        raise NotFound("not_found", "no such resource")
    values = {"title": playback.file_name or "Video", "hls": told["hls_url"], "poster": told["poster_url"] or ""}
    page = _PAGE.format(assets=ASSETS, **{name: escape(value) for name, value in values.items()})
    policy = _POLICY.format(store=mesh.objects.public_origin)
    return HTMLResponse(page, headers={"Content-Security-Policy": policy, "Cache-Control": "no-cache"})
