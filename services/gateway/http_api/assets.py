"""/v1/assets: what the platform has, and where to see it."""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import RedirectResponse
from grpc.aio import AioRpcError
from reelmesh.identity.v1 import identity_pb2
from reelmesh.metadata.v1 import metadata_pb2

from meshkit.errors import Conflict, NotFound
from services.gateway import bodies, delivery, schemas, wire
from services.gateway.channels import TIMEOUT
from services.gateway.http_api.deps import (
    PAGE_SIZE,
    PROTECTED,
    PROTECTED_PROBLEMS,
    Gateway,
    IfMatch,
    Mesh,
    PageSize,
    PageToken,
    ResourceId,
    problems,
)
from services.gateway.problems import precondition as _precondition

router = APIRouter(prefix="/v1/assets", tags=["assets"], dependencies=PROTECTED, responses=PROTECTED_PROBLEMS)

ExpiresIn = Annotated[int, Query(ge=60, le=604_800, description="Seconds.")]
HOUR = 3600
_LABELS: dict[str, Any] = {
    "name": "label.<name>",
    "in": "query",
    "required": False,
    "description": "Only assets with this label, such as `label.match_id=42`; several must all match.",
    "schema": {"type": "string", "maxLength": 255},
}


@router.get("", response_model=schemas.AssetPage, openapi_extra={"parameters": [_LABELS]})
async def list_assets(
    request: Request,
    mesh: Mesh,
    kind: schemas.AssetKind | None = None,
    state: schemas.AssetState | None = None,
    visibility: schemas.Visibility | None = None,
    page_size: PageSize = PAGE_SIZE,
    page_token: PageToken = "",
) -> dict[str, Any]:
    """Newest first; deleted ones only where `state=deleted` asks for them."""
    wanted = metadata_pb2.ListAssetsRequest(
        page_size=page_size, page_token=page_token, labels=wire.to_labels(request.query_params.multi_items())
    )
    if kind:
        wanted.kind = metadata_pb2.Asset.Kind.Value(f"KIND_{kind.upper()}")
    if state:
        wanted.state = metadata_pb2.Asset.State.Value(f"STATE_{state.upper()}")
    if visibility:
        wanted.visibility = metadata_pb2.Asset.Visibility.Value(f"VISIBILITY_{visibility.upper()}")
    answer = await mesh.services.metadata.ListAssets(wanted, timeout=TIMEOUT)
    return wire.from_page([wire.from_asset(asset, mesh.links) for asset in answer.assets], answer.next_page_token)


@router.get(
    "/{asset_id}", response_model=schemas.Asset, responses={304: {"description": "Not modified"}, **problems(404)}
)
async def get_asset(asset_id: ResourceId, request: Request, response: Response, mesh: Mesh) -> Any:
    asset = await _asset(mesh, asset_id)
    etag = f'"{asset.etag}"'
    if delivery.matches(request.headers.get("if-none-match", ""), etag):
        return Response(status_code=304, headers={"ETag": etag})
    response.headers["ETag"] = etag
    return wire.from_asset(asset, mesh.links)


@router.patch("/{asset_id}", response_model=schemas.Asset, responses=problems(404, 409, 412, 413, 415))
async def update_asset(
    asset_id: ResourceId, body: bodies.AssetPatch, mesh: Mesh, response: Response, if_match: IfMatch = None
) -> dict[str, Any]:
    """Change what the body names. `labels` are replaced as a whole."""
    request = wire.to_update_asset(str(asset_id), body, wire.to_etag(if_match))
    try:
        asset = (await mesh.services.metadata.UpdateAsset(request, timeout=TIMEOUT)).asset
    except AioRpcError as error:
        raise _precondition(error) from error
    response.headers["ETag"] = f'"{asset.etag}"'
    return wire.from_asset(asset, mesh.links)


@router.delete("/{asset_id}", status_code=204, responses=problems(404, 409, 412))
async def delete_asset(asset_id: ResourceId, mesh: Mesh, if_match: IfMatch = None) -> None:
    """Hide the asset; its bytes stay."""
    request = metadata_pb2.DeleteAssetRequest(asset_id=str(asset_id), etag=wire.to_etag(if_match))
    try:
        await mesh.services.metadata.DeleteAsset(request, timeout=TIMEOUT)
    except AioRpcError as error:
        raise _precondition(error) from error


@router.get("/{asset_id}/playback", response_model=schemas.Playback, responses=problems(404, 409))
async def get_playback(asset_id: ResourceId, mesh: Mesh, expires_in: ExpiresIn = 6 * HOUR) -> dict[str, Any]:
    """URLs for players. Of a private asset they carry a token that is good for `expires_in` seconds."""
    asset = await _asset(mesh, asset_id)
    if not asset.playable or asset.state == metadata_pb2.Asset.STATE_DELETED:
        raise Conflict("not_playable", "nothing of the asset can be played (yet)")
    playback = await mesh.playbacks.resolve(asset.playback_id)
    token, expires_at = asset.playback_id, None
    if asset.visibility != metadata_pb2.Asset.VISIBILITY_PUBLIC:
        request = identity_pb2.SignPlaybackRequest(playback_id=asset.playback_id, expires_in=expires_in)
        signed = await mesh.services.identity.SignPlayback(request, timeout=TIMEOUT)
        token, expires_at = signed.token, signed.expire_time.ToJsonString()
    urls = wire.from_playback(playback.outputs, playback.prefix, token, mesh.links)
    if not any(urls.values()):
        raise Conflict("not_playable", "nothing of the asset can be played (yet)")
    return urls | {"expires_at": expires_at}


@router.get("/{asset_id}/url", response_model=schemas.SignedUrl, responses=problems(404))
async def get_source_url(asset_id: ResourceId, mesh: Mesh, expires_in: ExpiresIn = HOUR) -> dict[str, Any]:
    """A URL that reads the source from the object store, with ranges."""
    source = await _source(mesh, asset_id)
    expires_at = datetime.now(UTC) + timedelta(seconds=expires_in)
    url = mesh.objects.sign_get(source.object_key, expires_in)
    return {"url": url, "expires_at": expires_at.isoformat().replace("+00:00", "Z")}


@router.get("/{asset_id}/download", status_code=302, response_class=RedirectResponse, responses=problems(404))
async def download_source(asset_id: ResourceId, mesh: Mesh) -> RedirectResponse:
    """The source, to be saved under the name that it was uploaded with."""
    source = await _source(mesh, asset_id)
    url = mesh.objects.sign_get(source.object_key, HOUR, save_as=source.file_name or "source")
    return RedirectResponse(url, 302, {"Cache-Control": "no-store"})


async def _asset(mesh: Gateway, asset_id: ResourceId) -> metadata_pb2.Asset:
    request = metadata_pb2.GetAssetRequest(asset_id=str(asset_id))
    return (await mesh.services.metadata.GetAsset(request, timeout=TIMEOUT)).asset


async def _source(mesh: Gateway, asset_id: ResourceId) -> metadata_pb2.Asset:
    asset = await _asset(mesh, asset_id)
    if asset.state == metadata_pb2.Asset.STATE_DELETED:
        raise NotFound("asset_not_found", "the asset is deleted")
    return asset
