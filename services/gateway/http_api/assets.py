"""/v1/assets: what the platform has, and where to see it."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from grpc.aio import AioRpcError
from reelmesh.identity.v1 import identity_pb2
from reelmesh.metadata.v1 import metadata_pb2

from meshkit import public
from meshkit.errors import Conflict
from meshkit.grpc.times import timestamp
from services.gateway import bodies, delivery, schemas, wire
from services.gateway.channels import TIMEOUT
from services.gateway.http_api.deps import (
    PAGE_SIZE,
    PROTECTED,
    PROTECTED_PROBLEMS,
    ExpiresIn,
    IfMatch,
    LongPageToken,
    Mesh,
    PageSize,
    PageToken,
    ResourceId,
    problems,
)
from services.gateway.http_api.opening import opened
from services.gateway.http_api.votes import LABELS
from services.gateway.problems import precondition as _precondition

router = APIRouter(prefix="/v1/assets", tags=["assets"], dependencies=PROTECTED, responses=PROTECTED_PROBLEMS)

Hard = Annotated[bool, Query(description="Forget the asset at once, and remove its bytes: nothing brings it back.")]
HOUR = 3600
Name = Annotated[bodies.Text, Query(max_length=255, description="Only assets with this in their file name.")]
OrderBy = Annotated[str, Query(pattern=r"^((create_time|update_time|file_name|size|votes)( asc| desc)?)?$")]
After = Annotated[bodies.Moment | None, Query(description="Only assets created after this.")]
Before = Annotated[bodies.Moment | None, Query(description="Only assets created before this.")]


@router.get("", response_model=schemas.AssetPage, openapi_extra={"parameters": [LABELS]})
async def list_assets(
    request: Request,
    mesh: Mesh,
    kind: schemas.AssetKind | None = None,
    state: schemas.AssetState | None = None,
    visibility: schemas.Visibility | None = None,
    name: Name = "",
    created_after: After = None,
    created_before: Before = None,
    order_by: OrderBy = "",
    page_size: PageSize = PAGE_SIZE,
    page_token: LongPageToken = "",
) -> dict[str, Any]:
    """Newest first, unless `order_by` says otherwise; deleted ones only where `state=deleted` asks for them."""
    wanted = metadata_pb2.ListAssetsRequest(
        page_size=page_size,
        page_token=page_token,
        labels=wire.to_labels(request.query_params.multi_items()),
        label_bounds=wire.to_bounds(request.query_params.multi_items()),
        name=name,
        created_after=timestamp(created_after),
        created_before=timestamp(created_before),
        order_by=order_by,
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
    request_ = metadata_pb2.GetAssetRequest(asset_id=str(asset_id))
    asset = (await mesh.services.metadata.GetAsset(request_, timeout=TIMEOUT)).asset
    etag = wire.from_etag(asset)
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
    response.headers["ETag"] = wire.from_etag(asset)
    return wire.from_asset(asset, mesh.links)


@router.delete("/{asset_id}", status_code=204, responses=problems(404, 409, 412))
async def delete_asset(asset_id: ResourceId, mesh: Mesh, if_match: IfMatch = None, hard: Hard = False) -> None:
    """Hide the asset, until it is restored or the time is over that deleted ones are kept."""
    request = metadata_pb2.DeleteAssetRequest(asset_id=str(asset_id), etag=wire.to_etag(if_match), hard=hard)
    try:
        await mesh.services.metadata.DeleteAsset(request, timeout=TIMEOUT)
    except AioRpcError as error:
        raise _precondition(error) from error


@router.post("/{asset_id}/restore", response_model=schemas.Asset, responses=problems(404, 409, 412))
async def restore_asset(
    asset_id: ResourceId, mesh: Mesh, response: Response, if_match: IfMatch = None
) -> dict[str, Any]:
    """Take a deletion back. What was not finished when it was deleted begins anew."""
    request = metadata_pb2.RestoreAssetRequest(asset_id=str(asset_id), etag=wire.to_etag(if_match))
    try:
        asset = (await mesh.services.metadata.RestoreAsset(request, timeout=TIMEOUT)).asset
    except AioRpcError as error:
        raise _precondition(error) from error
    response.headers["ETag"] = wire.from_etag(asset)
    return wire.from_asset(asset, mesh.links)


@router.get("/{asset_id}/events", response_model=schemas.AssetEventPage, responses=problems(404))
async def list_asset_events(
    asset_id: ResourceId, mesh: Mesh, page_size: PageSize = PAGE_SIZE, page_token: PageToken = ""
) -> dict[str, Any]:
    """What happened to the asset, newest first; the last few hundred changes."""
    request = metadata_pb2.ListAssetEventsRequest(asset_id=str(asset_id), page_size=page_size, page_token=page_token)
    answer = await mesh.services.metadata.ListAssetEvents(request, timeout=TIMEOUT)
    return wire.from_page([public.asset_event(each) for each in answer.events], answer.next_page_token)


@router.get("/{asset_id}/playback", response_model=schemas.Playback, responses=problems(404, 409))
async def get_playback(asset_id: ResourceId, mesh: Mesh, expires_in: ExpiresIn = 6 * HOUR) -> dict[str, Any]:
    """URLs for players, and of pictures. Of a private asset they carry a token, good for `expires_in` seconds."""
    asset = await opened(mesh, asset_id, metadata_pb2.OpenAssetRequest.PURPOSE_PLAYBACK)
    if not asset.object_prefix:
        raise Conflict("not_playable", "nothing of the asset can be played (yet)")
    playback = await mesh.playbacks.resolve(asset.playback_id)
    token, expires_at = asset.playback_id, None
    if asset.visibility != metadata_pb2.Asset.VISIBILITY_PUBLIC:
        request = identity_pb2.SignPlaybackRequest(playback_id=asset.playback_id, expires_in=expires_in)
        signed = await mesh.services.identity.SignPlayback(request, timeout=TIMEOUT)
        token, expires_at = signed.token, signed.expire_time.ToJsonString()
    urls = wire.from_playback(playback.outputs, playback.prefix, token, mesh.links)
    if not any(each["url"] for each in urls["outputs"]):
        raise Conflict("not_playable", "nothing of the asset can be played (yet)")
    return urls | {"expires_at": expires_at}
