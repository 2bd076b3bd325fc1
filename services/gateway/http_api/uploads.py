"""/v1/uploads: files on their way in; their bytes go straight to the object store."""

from typing import Any

from fastapi import APIRouter, Response
from pydantic_core import to_json
from reelmesh.upload.v1 import upload_pb2

from meshkit import public
from services.gateway import bodies, schemas, wire
from services.gateway.channels import COMPLETE_TIMEOUT, TIMEOUT
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
from services.gateway.job_wire import vet
from services.gateway.upload_bodies import FromUrlRequest, UploadRequest

FETCH_TIMEOUT = 10.0
"""A host's name is looked up in it."""
_JSON = "application/json"

router = APIRouter(prefix="/v1/uploads", tags=["uploads"], dependencies=PROTECTED, responses=PROTECTED_PROBLEMS)


@router.post("", status_code=201, response_model=schemas.CreatedUpload, responses=problems(404, 409, 413, 415))
async def create_upload(body: UploadRequest, mesh: Mesh, request_id: RequestId = "") -> Response:
    """Open an upload. PUT each part to its URL, then complete it."""
    create = wire.to_create_upload(body, request_id, file_name=body.file_name, size=body.size)
    create.in_series = True
    await vet(mesh.services, create)
    answer = await mesh.services.upload.CreateUpload(create, timeout=TIMEOUT)
    told, parts = to_json(public.upload(answer.upload)), wire.from_signed(answer.parts, answer.series)
    where = {"Location": f"/v1/uploads/{answer.upload.id}"}
    return Response(b'%b,"parts":%b}' % (told[:-1], parts), 201, where, media_type=_JSON)


@router.post("/from-url", status_code=202, response_model=schemas.Upload, responses=problems(404, 409, 413, 415))
async def fetch_upload(
    body: FromUrlRequest, mesh: Mesh, response: Response, request_id: RequestId = ""
) -> dict[str, Any]:
    """Have the platform fetch the file itself, from a public host. `Location` is the upload, to be looked at."""
    file_name = body.file_name or wire.file_name_of(body.url)
    create = wire.to_create_upload(body, request_id, file_name=file_name, size=None)
    create.transport, create.source_url = upload_pb2.Upload.TRANSPORT_FETCHED, body.url
    await vet(mesh.services, create)
    upload = (await mesh.services.upload.CreateUpload(create, timeout=FETCH_TIMEOUT)).upload
    response.headers["Location"] = f"/v1/uploads/{upload.id}"
    return public.upload(upload)


@router.get("", response_model=schemas.UploadPage)
async def list_uploads(mesh: Mesh, page_size: PageSize = PAGE_SIZE, page_token: PageToken = "") -> dict[str, Any]:
    """Newest first."""
    request = upload_pb2.ListUploadsRequest(page_size=page_size, page_token=page_token)
    answer = await mesh.services.upload.ListUploads(request, timeout=TIMEOUT)
    return wire.from_page([public.upload(upload) for upload in answer.uploads], answer.next_page_token)


@router.get("/{upload_id}", response_model=schemas.Upload, responses=problems(404))
async def get_upload(upload_id: ResourceId, mesh: Mesh) -> dict[str, Any]:
    request = upload_pb2.GetUploadRequest(upload_id=str(upload_id))
    return public.upload((await mesh.services.upload.GetUpload(request, timeout=TIMEOUT)).upload)


@router.post("/{upload_id}/parts", response_model=schemas.SignedParts, responses=problems(404, 409, 413, 415))
async def sign_parts(upload_id: ResourceId, body: bodies.PartsRequest, mesh: Mesh) -> Response:
    """URLs for parts beyond the first hundred, or for those whose URLs expired."""
    request = upload_pb2.SignPartsRequest(upload_id=str(upload_id), part_numbers=body.part_numbers, in_series=True)
    answer = await mesh.services.upload.SignParts(request, timeout=TIMEOUT)
    return Response(b'{"parts":%b}' % wire.from_signed(answer.parts, answer.series), media_type=_JSON)


@router.get("/{upload_id}/parts", response_model=schemas.ReceivedParts, responses=problems(404, 409))
async def list_parts(upload_id: ResourceId, mesh: Mesh) -> dict[str, Any]:
    """The parts received so far, for a client that goes on where it stopped."""
    request = upload_pb2.ListPartsRequest(upload_id=str(upload_id))
    answer = await mesh.services.upload.ListParts(request, timeout=TIMEOUT)
    return {"parts": wire.from_received(answer.parts)}


@router.post(
    "/{upload_id}/complete", status_code=202, response_model=schemas.Upload, responses=problems(404, 409, 413, 415)
)
async def complete_upload(
    upload_id: ResourceId, mesh: Mesh, response: Response, body: bodies.CompleteRequest | None = None
) -> dict[str, Any]:
    """Join the parts; calling it again is the same as once. `Location` is the asset that the file becomes."""
    request = wire.to_complete_upload(str(upload_id), body)
    upload = (await mesh.services.upload.CompleteUpload(request, timeout=COMPLETE_TIMEOUT)).upload
    if upload.state == upload_pb2.Upload.STATE_COMPLETED:
        response.headers["Location"] = f"/v1/assets/{upload.asset_id}"
    return public.upload(upload)


@router.delete("/{upload_id}", status_code=204, responses=problems(404, 409))
async def abort_upload(upload_id: ResourceId, mesh: Mesh) -> None:
    """Give the upload up, and what was received of it."""
    await mesh.services.upload.AbortUpload(upload_pb2.AbortUploadRequest(upload_id=str(upload_id)), timeout=TIMEOUT)
