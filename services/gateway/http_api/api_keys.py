"""/v1/api-keys: credentials for programs."""

from typing import Any

from fastapi import APIRouter
from reelmesh.identity.v1 import identity_pb2

from services.gateway import accounts, wire
from services.gateway.channels import TIMEOUT
from services.gateway.http_api.deps import (
    PAGE_SIZE,
    PROTECTED,
    PROTECTED_PROBLEMS,
    Mesh,
    PageSize,
    PageToken,
    RequestId,
    ResourceId,
    problems,
)

router = APIRouter(prefix="/v1/api-keys", tags=["api keys"], dependencies=PROTECTED, responses=PROTECTED_PROBLEMS)


@router.post("", status_code=201, response_model=accounts.CreatedApiKey, responses=problems(409, 413, 415))
async def create_api_key(body: accounts.ApiKeyRequest, mesh: Mesh, request_id: RequestId = "") -> dict[str, Any]:
    """A key with scopes that you have yourself. Its secret is in this answer and nowhere else."""
    answer = await mesh.services.identity.CreateApiKey(accounts.to_create_key(body, request_id), timeout=TIMEOUT)
    return accounts.from_key(answer.api_key) | {"secret": answer.secret or None}


@router.get("", response_model=accounts.ApiKeyPage)
async def list_api_keys(mesh: Mesh, page_size: PageSize = PAGE_SIZE, page_token: PageToken = "") -> dict[str, Any]:
    """Newest first."""
    request = identity_pb2.ListApiKeysRequest(page_size=page_size, page_token=page_token)
    answer = await mesh.services.identity.ListApiKeys(request, timeout=TIMEOUT)
    return wire.from_page([accounts.from_key(key) for key in answer.api_keys], answer.next_page_token)


@router.delete("/{api_key_id}", status_code=204, responses=problems(404, 409))
async def delete_api_key(api_key_id: ResourceId, mesh: Mesh) -> None:
    """Take a key back: at once at this gateway, within half a minute at every other."""
    await mesh.services.identity.DeleteApiKey(
        identity_pb2.DeleteApiKeyRequest(api_key_id=str(api_key_id)), timeout=TIMEOUT
    )
    mesh.authenticate.forget(str(api_key_id))
