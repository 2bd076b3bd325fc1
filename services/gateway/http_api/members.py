"""/v1/members: the users of a tenant and their roles."""

from typing import Any

from fastapi import APIRouter
from reelmesh.identity.v1 import identity_pb2

from services.gateway import accounts, wire
from services.gateway.channels import TIMEOUT
from services.gateway.http_api.auth import HASH_TIMEOUT
from services.gateway.http_api.deps import (
    PAGE_SIZE,
    PROTECTED,
    PROTECTED_PROBLEMS,
    Mesh,
    PageSize,
    PageToken,
    ResourceId,
    problems,
)

router = APIRouter(prefix="/v1/members", tags=["members"], dependencies=PROTECTED, responses=PROTECTED_PROBLEMS)


@router.post("", status_code=201, response_model=accounts.User, responses=problems(409, 413, 415))
async def create_member(body: accounts.MemberRequest, mesh: Mesh) -> dict[str, Any]:
    """A user of your tenant, with a password to begin with."""
    request = identity_pb2.CreateMemberRequest(
        email=body.email, password=body.password, role=accounts.to_role(body.role)
    )
    return accounts.from_user((await mesh.services.identity.CreateMember(request, timeout=HASH_TIMEOUT)).user)


@router.get("", response_model=accounts.UserPage)
async def list_members(mesh: Mesh, page_size: PageSize = PAGE_SIZE, page_token: PageToken = "") -> dict[str, Any]:
    """Newest first."""
    request = identity_pb2.ListMembersRequest(page_size=page_size, page_token=page_token)
    answer = await mesh.services.identity.ListMembers(request, timeout=TIMEOUT)
    return wire.from_page([accounts.from_user(user) for user in answer.users], answer.next_page_token)


@router.patch("/{user_id}", response_model=accounts.User, responses=problems(404, 409, 413, 415))
async def update_member(user_id: ResourceId, body: accounts.MemberPatch, mesh: Mesh) -> dict[str, Any]:
    """Another role, from the user's next access token on."""
    request = identity_pb2.UpdateMemberRequest(user_id=str(user_id), role=accounts.to_role(body.role))
    return accounts.from_user((await mesh.services.identity.UpdateMember(request, timeout=TIMEOUT)).user)


@router.delete("/{user_id}", status_code=204, responses=problems(404, 409))
async def delete_member(user_id: ResourceId, mesh: Mesh) -> None:
    """The user, its sessions and the keys that it made. The last owner stays."""
    await mesh.services.identity.DeleteMember(identity_pb2.DeleteMemberRequest(user_id=str(user_id)), timeout=TIMEOUT)
