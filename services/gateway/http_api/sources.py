"""/v1/assets/{id}/stream, /download and /url: the file as it was uploaded, for its tenant."""

from datetime import UTC, datetime, timedelta
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse
from reelmesh.metadata.v1 import metadata_pb2

from meshkit.disposition import attachment, inline
from services.gateway import delivery, schemas
from services.gateway.delivery import Delivery
from services.gateway.http_api.deps import PROTECTED, PROTECTED_PROBLEMS, ExpiresIn, Mesh, ResourceId, problems
from services.gateway.http_api.opening import opened
from services.gateway.media_types import safe

router = APIRouter(prefix="/v1/assets", tags=["assets"], dependencies=PROTECTED, responses=PROTECTED_PROBLEMS)

HOUR = 3600
KEPT = "private, max-age=300"
Purpose = metadata_pb2.OpenAssetRequest


@router.get(
    "/{asset_id}/stream",
    response_class=Response,
    responses={
        200: {"description": "The file", "content": {"*/*": {}}},
        206: {"description": "The range", "content": {"*/*": {}}},
        304: {"description": "Not modified"},
        **problems(404, 416),
    },
)
async def stream_source(asset_id: ResourceId, request: Request, mesh: Mesh) -> Response:
    """The source, through the gateway; one `Range` at a time, with `If-Range` and `If-None-Match`."""
    asset = await opened(mesh, asset_id, Purpose.PURPOSE_STREAM)
    return await delivery.get(mesh.objects, _delivery(asset), request.headers)


@router.head("/{asset_id}/stream", include_in_schema=False)
async def stream_source_head(asset_id: ResourceId, request: Request, mesh: Mesh) -> Response:
    asset = await opened(mesh, asset_id, Purpose.PURPOSE_STREAM)
    return await delivery.head(mesh.objects, _delivery(asset), request.headers)


@router.get("/{asset_id}/url", response_model=schemas.SignedUrl, responses=problems(404))
async def get_source_url(asset_id: ResourceId, mesh: Mesh, expires_in: ExpiresIn = HOUR) -> dict[str, Any]:
    """A URL that reads the source from the object store, with ranges."""
    asset = await opened(mesh, asset_id, Purpose.PURPOSE_URL)
    expires_at = datetime.now(UTC) + timedelta(seconds=expires_in)
    name = _name(asset)
    url = mesh.objects.sign_get(
        asset.object_key, expires_in, media_type=safe(asset.content_type, name), disposition=inline(name)
    )
    return {"url": url, "expires_at": expires_at.isoformat().replace("+00:00", "Z")}


@router.get("/{asset_id}/download", status_code=302, response_class=RedirectResponse, responses=problems(404))
async def download_source(asset_id: ResourceId, mesh: Mesh) -> RedirectResponse:
    """The source, to be saved under the name that it was uploaded with."""
    asset = await opened(mesh, asset_id, Purpose.PURPOSE_DOWNLOAD)
    name = _name(asset)
    url = mesh.objects.sign_get(
        asset.object_key, HOUR, media_type=safe(asset.content_type, name), disposition=attachment(name)
    )
    return RedirectResponse(url, 302, {"Cache-Control": "no-store"})


def _delivery(asset: metadata_pb2.Asset) -> Delivery:
    name = _name(asset)
    media_type = safe(asset.content_type, name)
    return Delivery(key=asset.object_key, media_type=media_type, cache_control=KEPT, file_name=name)


def _name(asset: metadata_pb2.Asset) -> str:
    return asset.file_name or "source"
