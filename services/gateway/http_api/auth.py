"""/v1/auth: sessions of users; and the public keys that anybody checks our tokens with."""

import json
import time
from typing import Any

from fastapi import APIRouter, Depends, Request, Response
from reelmesh.identity.v1 import identity_pb2

from meshkit.auth import act_for
from services.gateway import accounts
from services.gateway.channels import TIMEOUT
from services.gateway.http_api.deps import PROTECTED, GivenCredential, Mesh, json_body, present, problems
from services.gateway.origin import origin

router = APIRouter(tags=["sessions"], responses=problems(429))
_BODY: dict[str, Any] = {"dependencies": [Depends(json_body)]}
_REFUSALS = (400, 413, 415)

HASH_TIMEOUT = 15.0
"""Passwords are hashed one per core at a time; the others wait."""


@router.post(
    "/v1/auth/signup",
    status_code=201,
    response_model=accounts.SignedUp,
    responses=problems(*_REFUSALS, 403, 409),
    **_BODY,
)
async def sign_up(body: accounts.SignupRequest, request: Request, mesh: Mesh) -> dict[str, Any]:
    """Make a tenant, with its owner, and log the owner in."""
    wanted = identity_pb2.SignupRequest(email=body.email, password=body.password, address=origin(request.scope))
    answer = await mesh.services.accounts.Signup(wanted, timeout=HASH_TIMEOUT)
    return accounts.from_tokens(answer.tokens, time.time()) | {"user": accounts.from_user(answer.user)}


@router.post("/v1/auth/login", response_model=accounts.SessionTokens, responses=problems(*_REFUSALS, 401), **_BODY)
async def log_in(body: accounts.LoginRequest, request: Request, mesh: Mesh) -> dict[str, Any]:
    """Begin a session."""
    wanted = identity_pb2.LoginRequest(email=body.email, password=body.password, address=origin(request.scope))
    answer = await mesh.services.accounts.Login(wanted, timeout=HASH_TIMEOUT)
    return accounts.from_tokens(answer.tokens, time.time())


@router.post(
    "/v1/auth/refresh", response_model=accounts.SessionTokens, responses=problems(*_REFUSALS, 401, 409), **_BODY
)
async def refresh(body: accounts.RefreshRequest, mesh: Mesh) -> dict[str, Any]:
    """The session's next tokens. A refresh token that is used again ends its session."""
    wanted = identity_pb2.RefreshSessionRequest(refresh_token=body.refresh_token)
    return accounts.from_tokens(
        (await mesh.services.accounts.RefreshSession(wanted, timeout=TIMEOUT)).tokens, time.time()
    )


@router.post("/v1/auth/logout", status_code=204, responses=problems(*_REFUSALS, 401), **_BODY)
async def log_out(mesh: Mesh, credential: GivenCredential, body: accounts.LogoutRequest | None = None) -> None:
    """End the session of the refresh token in the body, or else of the access token."""
    if body and body.refresh_token:
        wanted = identity_pb2.EndSessionRequest(refresh_token=body.refresh_token)
        await mesh.services.accounts.EndSession(wanted, timeout=TIMEOUT)
        return
    act_for(await mesh.authenticate(present(credential)))
    await mesh.services.identity.Logout(identity_pb2.LogoutRequest(), timeout=TIMEOUT)


@router.post("/v1/auth/password", status_code=204, dependencies=PROTECTED, responses=problems(*_REFUSALS, 401, 403))
async def change_password(body: accounts.PasswordRequest, mesh: Mesh) -> None:
    """Another password; all other sessions of the user end."""
    wanted = identity_pb2.ChangePasswordRequest(current_password=body.current_password, new_password=body.new_password)
    await mesh.services.identity.ChangePassword(wanted, timeout=HASH_TIMEOUT)


@router.get("/.well-known/jwks.json", response_model=accounts.JwkSet, responses=problems())
async def jwks(mesh: Mesh, response: Response) -> Any:
    """The keys that sign now, did, or soon will."""
    answer = await mesh.services.accounts.GetJwks(identity_pb2.GetJwksRequest(), timeout=TIMEOUT)
    response.headers["Cache-Control"] = "public, max-age=300"
    return json.loads(answer.jwks_json)
