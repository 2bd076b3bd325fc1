"""/v1/s3: what Uppy's S3 plugin asks of its companion, and of us in its place.

It gives the object's key back in every query; the upload's id says it all.
"""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from reelmesh.upload.v1 import upload_pb2

from meshkit.auth import act_for, caller
from meshkit.errors import FieldError, InvalidArgument
from services.gateway import bodies, s3_schemas, tus, wire
from services.gateway.channels import COMPLETE_TIMEOUT, TIMEOUT
from services.gateway.forms import Form
from services.gateway.http_api.deps import (
    PROTECTED,
    PROTECTED_PROBLEMS,
    Gateway,
    Mesh,
    ResourceId,
    problems,
)
from services.gateway.job_wire import vet
from services.gateway.sending import form_request, send_into

router = APIRouter(prefix="/v1/s3", tags=["uppy"])
_DOCUMENTED: dict[str, Any] = {
    "dependencies": PROTECTED,
    "responses": PROTECTED_PROBLEMS | problems(404, 409, 413, 415),
}
_EXPIRES = 6 * 3600
_METADATA = "metadata["
PartNumber = Annotated[int, bodies.Field(ge=1, le=10_000)]


@router.get("/params", response_model=s3_schemas.S3Params, **_DOCUMENTED)
async def uppy_params(
    request: Request,
    mesh: Mesh,
    filename: Annotated[bodies.FileName, Query()],
    type: str = "",  # noqa: A002
) -> dict[str, Any]:
    """For a file in one request: it goes through the gateway, for not every store takes forms."""
    query = request.query_params
    metadata = {name[len(_METADATA) : -1]: query[name] for name in query if name.startswith(_METADATA)}
    asked = bodies.S3MultipartRequest(filename=filename, type=type, metadata=metadata)
    upload = await _created(mesh, asked, upload_pb2.Upload.TRANSPORT_STREAMED)
    url = mesh.links.to(f"{router.prefix}/forms/{upload.id}")
    return {"method": "POST", "url": url, "fields": {"key": upload.object_key, "token": caller().token}}


@router.post("/forms/{upload_id}", status_code=201, include_in_schema=False)
async def uppy_form(upload_id: ResourceId, request: Request, mesh: Mesh, response: Response) -> None:
    """A form of `uppy_params`: its token stands before its file."""
    with mesh.receiver.admitted():
        form = Form(request.headers.get("content-type", ""), mesh.receiver.watched(request.stream()))
        await form.begin()
        act_for(await mesh.authenticate(form.fields.get("token", "")))
        upload = await send_into(mesh.services, mesh.receiver, str(upload_id), form.file())
    response.headers["Location"] = f"/v1/assets/{upload.asset_id}"


@router.post("/multipart", response_model=s3_schemas.S3Multipart, **_DOCUMENTED)
async def uppy_create(body: bodies.S3MultipartRequest, mesh: Mesh) -> dict[str, Any]:
    upload = await _created(mesh, body, upload_pb2.Upload.TRANSPORT_LOOSE)
    return {"key": upload.object_key, "uploadId": upload.id}


@router.get("/multipart/{upload_id}", response_model=list[s3_schemas.S3ReceivedPart], **_DOCUMENTED)
async def uppy_parts(upload_id: ResourceId, mesh: Mesh) -> list[dict[str, Any]]:
    asked = upload_pb2.ListPartsRequest(upload_id=str(upload_id))
    parts = (await mesh.services.upload.ListParts(asked, timeout=TIMEOUT)).parts
    return [{"PartNumber": part.part_number, "ETag": part.etag, "Size": part.size} for part in parts]


@router.get("/multipart/{upload_id}/batch", response_model=s3_schemas.S3SignedParts, **_DOCUMENTED)
async def uppy_sign_many(
    upload_id: ResourceId,
    mesh: Mesh,
    partNumbers: Annotated[str, Query(pattern=r"^[0-9]{1,5}(,[0-9]{1,5}){0,999}$")],  # noqa: N803
) -> dict[str, Any]:
    numbers = [int(number) for number in partNumbers.split(",")]
    return {"presignedUrls": await _signed(mesh, str(upload_id), numbers)}


@router.get("/multipart/{upload_id}/{part_number}", response_model=s3_schemas.S3SignedPart, **_DOCUMENTED)
async def uppy_sign(upload_id: ResourceId, part_number: PartNumber, mesh: Mesh) -> dict[str, Any]:
    urls = await _signed(mesh, str(upload_id), [part_number])
    return {"url": urls[str(part_number)], "expires": _EXPIRES}


@router.post("/multipart/{upload_id}/complete", response_model=s3_schemas.S3Completed, **_DOCUMENTED)
async def uppy_complete(upload_id: ResourceId, body: bodies.S3CompleteRequest, mesh: Mesh) -> dict[str, Any]:
    parts = [upload_pb2.CompletedPart(part_number=part.PartNumber, etag=part.ETag) for part in body.parts]
    request = upload_pb2.CompleteUploadRequest(upload_id=str(upload_id), parts=parts)
    upload = (await mesh.services.upload.CompleteUpload(request, timeout=COMPLETE_TIMEOUT)).upload
    return {"location": mesh.links.to(f"/v1/assets/{upload.asset_id}"), "key": upload.object_key}


@router.delete("/multipart/{upload_id}", **_DOCUMENTED)
async def uppy_abort(upload_id: ResourceId, mesh: Mesh) -> dict[str, str]:
    await mesh.services.upload.AbortUpload(upload_pb2.AbortUploadRequest(upload_id=str(upload_id)), timeout=TIMEOUT)
    return {}


async def _created(mesh: Gateway, asked: bodies.S3MultipartRequest, transport: Any) -> upload_pb2.Upload:
    said = tus.known(asked.metadata or {}) | {"file_name": asked.filename, "content_type": asked.type or None}
    fields = form_request(said)
    create = wire.to_create_upload(fields, "", file_name=fields.file_name, size=None)
    create.transport = transport
    await vet(mesh.services, create)
    return (await mesh.services.upload.CreateUpload(create, timeout=TIMEOUT)).upload


async def _signed(mesh: Gateway, upload_id: str, numbers: list[int]) -> dict[str, str]:
    if not all(1 <= number <= 10_000 for number in numbers):
        field = FieldError("partNumbers", "must be within 1 to 10000")
        raise InvalidArgument("invalid_part_number", field.message, fields=(field,))
    request = upload_pb2.SignPartsRequest(upload_id=upload_id, part_numbers=numbers)
    answer = await mesh.services.upload.SignParts(request, timeout=TIMEOUT)
    return {str(part.part_number): part.url for part in answer.parts}
