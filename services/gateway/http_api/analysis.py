"""/v1/analysis-hook: the outside service that is asked about every asset of the tenant."""

from typing import Any

from fastapi import APIRouter, Response
from grpc.aio import AioRpcError
from reelmesh.notify.v1 import analysis_pb2

from meshkit import public
from services.gateway import bodies, wire
from services.gateway import webhook_schemas as schemas
from services.gateway.channels import TIMEOUT
from services.gateway.http_api.deps import PROTECTED, PROTECTED_PROBLEMS, IfMatch, Mesh, problems
from services.gateway.http_api.webhooks import CALL_TIMEOUT
from services.gateway.problems import precondition

router = APIRouter(prefix="/v1/analysis-hook", tags=["webhooks"], dependencies=PROTECTED, responses=PROTECTED_PROBLEMS)


@router.get("", response_model=schemas.AnalysisHook, responses=problems(404))
async def get_analysis_hook(mesh: Mesh, response: Response) -> dict[str, Any]:
    hook = (await mesh.services.analysis.GetAnalysisHook(analysis_pb2.GetAnalysisHookRequest(), timeout=TIMEOUT)).hook
    response.headers["ETag"] = f'"{hook.etag}"'
    return public.analysis_hook(hook)


@router.put(
    "",
    response_model=schemas.CreatedAnalysisHook | schemas.AnalysisHook,
    responses={
        201: {"model": schemas.CreatedAnalysisHook, "description": "Made"},
        **problems(409, 412, 413, 415),
    },
)
async def put_analysis_hook(
    body: bodies.AnalysisHookRequest, mesh: Mesh, response: Response, if_match: IfMatch = None
) -> dict[str, Any]:
    """Have a URL asked about every asset from now on. The `secret` that signs is in the answer that made it only."""
    request = analysis_pb2.PutAnalysisHookRequest(
        url=body.url, description=body.description or "", etag=wire.to_etag(if_match)
    )
    try:
        answer = await mesh.services.analysis.PutAnalysisHook(request, timeout=CALL_TIMEOUT)
    except AioRpcError as error:
        raise precondition(error) from error
    response.status_code = 201 if answer.secret else 200
    response.headers["ETag"] = f'"{answer.hook.etag}"'
    return public.analysis_hook(answer.hook) | ({"secret": answer.secret} if answer.secret else {})


@router.delete("", status_code=204, responses=problems(404, 409, 412))
async def delete_analysis_hook(mesh: Mesh, if_match: IfMatch = None) -> None:
    """Ask nobody from now on. What is pending fails as `hook_deleted`; the answers that came stay."""
    request = analysis_pb2.DeleteAnalysisHookRequest(etag=wire.to_etag(if_match))
    try:
        await mesh.services.analysis.DeleteAnalysisHook(request, timeout=TIMEOUT)
    except AioRpcError as error:
        raise precondition(error) from error


@router.post("/rotate-secret", response_model=schemas.RotatedAnalysisHook, responses=problems(404, 413, 415))
async def rotate_analysis_hook_secret(mesh: Mesh, body: bodies.RotateRequest | None = None) -> dict[str, Any]:
    """A new secret. Until the old one expires, calls carry the signatures of both."""
    request = analysis_pb2.RotateAnalysisHookSecretRequest(overlap=(body or bodies.RotateRequest()).overlap)
    answer = await mesh.services.analysis.RotateAnalysisHookSecret(request, timeout=TIMEOUT)
    expires = answer.old_secret_expire_time.ToJsonString() if answer.HasField("old_secret_expire_time") else None
    return public.analysis_hook(answer.hook) | {"secret": answer.secret, "old_secret_expire_time": expires}
