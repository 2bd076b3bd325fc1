"""Votes for public assets, and what they come to."""

from typing import Any

from fastapi import APIRouter, Request
from reelmesh.metadata.v1 import metadata_pb2

from services.gateway import schemas, wire
from services.gateway.channels import TIMEOUT
from services.gateway.http_api.deps import (
    PAGE_SIZE,
    PROTECTED,
    PROTECTED_PROBLEMS,
    LongPageToken,
    Mesh,
    PageSize,
    ResourceId,
    problems,
)

router = APIRouter(prefix="/v1", tags=["votes"], dependencies=PROTECTED, responses=PROTECTED_PROBLEMS)

LABELS: dict[str, Any] = {
    "name": "label.<name>",
    "in": "query",
    "required": False,
    "description": "Only assets with this label, such as `label.match_id=42`; several must all match. Numbers match as "
    "numbers; `label.<name>[gt]`, `[gte]`, `[lt]` and `[lte]` compare with one.",
    "schema": {"type": "string", "maxLength": 255},
}


@router.put("/assets/{asset_id}/vote", response_model=schemas.Vote, responses=problems(404, 409))
async def cast_vote(asset_id: ResourceId, mesh: Mesh) -> dict[str, Any]:
    """Vote for a public asset. Each user has one vote; giving it twice is the same as once."""
    request = metadata_pb2.CastVoteRequest(asset_id=str(asset_id))
    answer = await mesh.services.metadata.CastVote(request, timeout=TIMEOUT)
    return {"asset_id": str(asset_id), "votes": answer.votes, "voted": True}


@router.delete("/assets/{asset_id}/vote", response_model=schemas.Vote, responses=problems(404, 409))
async def withdraw_vote(asset_id: ResourceId, mesh: Mesh) -> dict[str, Any]:
    """Take a vote back, if there is one."""
    request = metadata_pb2.WithdrawVoteRequest(asset_id=str(asset_id))
    answer = await mesh.services.metadata.WithdrawVote(request, timeout=TIMEOUT)
    return {"asset_id": str(asset_id), "votes": answer.votes, "voted": False}


@router.get("/rankings", response_model=schemas.AssetPage, openapi_extra={"parameters": [LABELS]})
async def list_rankings(
    request: Request,
    mesh: Mesh,
    kind: schemas.AssetKind | None = None,
    page_size: PageSize = PAGE_SIZE,
    page_token: LongPageToken = "",
) -> dict[str, Any]:
    """The tenant's public assets, most voted first; of those with as many votes, the newest first."""
    wanted = metadata_pb2.ListAssetsRequest(
        page_size=page_size,
        page_token=page_token,
        labels=wire.to_labels(request.query_params.multi_items()),
        label_bounds=wire.to_bounds(request.query_params.multi_items()),
        visibility=metadata_pb2.Asset.VISIBILITY_PUBLIC,
        order_by="votes desc",
    )
    if kind:
        wanted.kind = metadata_pb2.Asset.Kind.Value(f"KIND_{kind.upper()}")
    answer = await mesh.services.metadata.ListAssets(wanted, timeout=TIMEOUT)
    return wire.from_page([wire.from_asset(asset, mesh.links) for asset in answer.assets], answer.next_page_token)
