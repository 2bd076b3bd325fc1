"""Files that come as forms: bodies that stream through, and so are not JSON."""

from typing import Any

from fastapi import APIRouter, Request, Response

from meshkit import public
from services.gateway import schemas
from services.gateway.forms import Form
from services.gateway.http_api.deps import PROTECTED_PROBLEMS, STREAMED, Mesh, RequestId, problems
from services.gateway.sending import send_form

router = APIRouter(tags=["uploads"], responses=PROTECTED_PROBLEMS)
_FIELDS = {
    "file": {"type": "string", "format": "binary"},
    "file_name": {"type": "string"},
    "content_type": {"type": "string"},
    "sha256": {"type": "string"},
    "labels": {"type": "string", "description": "A JSON object."},
    "visibility": {"type": "string", "enum": ["private", "public"]},
    "passthrough": {"type": "string"},
}


def described(**more: dict[str, Any]) -> dict[str, Any]:
    """A form with a file, for the OpenAPI document; `Form` reads it."""
    schema = {"type": "object", "required": ["file"], "properties": _FIELDS | more, "additionalProperties": False}
    return {"requestBody": {"required": True, "content": {"multipart/form-data": {"schema": schema}}}}


@router.post(
    "/v1/uploads/direct",
    status_code=201,
    response_model=schemas.Upload,
    dependencies=STREAMED,
    responses=problems(404, 409, 413, 415),
    openapi_extra=described(
        preset={"type": "string"}, job={"type": "string", "description": "A JSON object, as of `POST /v1/uploads`."}
    ),
)
async def send_upload(request: Request, mesh: Mesh, response: Response, request_id: RequestId = "") -> dict[str, Any]:
    """A file in one request, for small ones. Fields stand before the file, or behind one of less than 8 MiB."""
    with mesh.receiver.admitted():
        form = Form(request.headers.get("content-type", ""), mesh.receiver.watched(request.stream()))
        upload = await send_form(mesh.services, mesh.receiver, form, request_id)
    response.headers["Location"] = f"/v1/uploads/{upload.id}"
    return public.upload(upload)
