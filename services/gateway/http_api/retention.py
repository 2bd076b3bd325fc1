"""/v1/retention: how long the tenant's things are kept."""

from typing import Any

from fastapi import APIRouter
from reelmesh.metadata.v1 import metadata_pb2

from services.gateway import bodies, schemas, wire
from services.gateway.channels import TIMEOUT
from services.gateway.http_api.deps import PROTECTED, PROTECTED_PROBLEMS, Mesh, problems

router = APIRouter(prefix="/v1/retention", tags=["assets"], dependencies=PROTECTED, responses=PROTECTED_PROBLEMS)


@router.get("", response_model=schemas.Retention)
async def get_retention(mesh: Mesh) -> dict[str, Any]:
    answer = await mesh.services.metadata.GetRetention(metadata_pb2.GetRetentionRequest(), timeout=TIMEOUT)
    return wire.from_retention(answer.retention)


@router.put("", response_model=schemas.Retention, responses=problems(413, 415))
async def replace_retention(body: bodies.RetentionRequest, mesh: Mesh) -> dict[str, Any]:
    """Holds for what is there already, too: what is past its time goes within a minute, for good."""
    wanted = metadata_pb2.Retention(original_days=body.original_days, deleted_days=body.deleted_days)
    request = metadata_pb2.UpdateRetentionRequest(retention=wanted)
    answer = await mesh.services.metadata.UpdateRetention(request, timeout=TIMEOUT)
    return wire.from_retention(answer.retention)
