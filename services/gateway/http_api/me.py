"""/v1/me: who the caller is."""

from typing import Any

from fastapi import APIRouter
from reelmesh.identity.v1 import identity_pb2

from services.gateway import accounts
from services.gateway.channels import TIMEOUT
from services.gateway.http_api.deps import PROTECTED, PROTECTED_PROBLEMS, Mesh

router = APIRouter(prefix="/v1", tags=["me"], dependencies=PROTECTED, responses=PROTECTED_PROBLEMS)


@router.get("/me", response_model=accounts.Me)
async def get_me(mesh: Mesh) -> dict[str, Any]:
    answer = await mesh.services.identity.GetCaller(identity_pb2.GetCallerRequest(), timeout=TIMEOUT)
    return accounts.from_caller(answer)
