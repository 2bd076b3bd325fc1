"""/v1/tus: uploads that survive every cut, by the tus protocol; see `services/gateway/tus.py`."""

from typing import Any

from fastapi import APIRouter, Request, Response
from grpc.aio import AioRpcError
from pydantic import ValidationError
from reelmesh.upload.v1 import upload_pb2

from meshkit.errors import FieldError, InvalidArgument
from meshkit.grpc import status
from services.gateway import bodies, tus, wire
from services.gateway.channels import COMPLETE_TIMEOUT, TIMEOUT
from services.gateway.http_api.deps import PROTECTED_PROBLEMS, STREAMED, Gateway, Mesh, RequestId, ResourceId, problems
from services.gateway.job_wire import vet
from services.gateway.problems import Gone
from services.gateway.upload_bodies import UploadRequest

router = APIRouter(prefix=tus.PREFIX, tags=["tus"])
_OVER = {"upload_aborted", "upload_expired", "upload_failed"}
_DOCUMENTED: dict[str, Any] = {"responses": PROTECTED_PROBLEMS | problems(404, 409, 410, 412, 413, 415, 460)}
_BODY = {"requestBody": {"content": {tus.BODY: {"schema": {"type": "string", "format": "binary"}}}}}


def _headers(**schemas: Any) -> dict[str, Any]:
    """What the protocol says in headers, for the OpenAPI document; it is checked by `tus.py`."""
    named = {"Tus-Resumable": {"type": "string", "enum": [tus.VERSION]}} | {
        name.replace("_", "-"): schema for name, schema in schemas.items()
    }
    optional = {"Upload-Metadata", "Upload-Checksum"}
    return {
        "parameters": [
            {"name": name, "in": "header", "required": name not in optional, "schema": schema}
            for name, schema in named.items()
        ]
    }


_BYTES = {"type": "integer", "minimum": 0, "maximum": bodies.INT64_MAX}
_TEXT = {"type": "string"}


@router.options("", status_code=204)
@router.options("/{upload_id}", status_code=204, include_in_schema=False)
async def tus_about(response: Response) -> None:
    """What of the protocol there is."""
    response.headers.update(tus.ABOUT)


@router.post(
    "",
    status_code=201,
    dependencies=STREAMED,
    openapi_extra=_BODY | _headers(Upload_Length=_BYTES, Upload_Metadata=_TEXT, Upload_Checksum=_TEXT),
    **_DOCUMENTED,
)
async def tus_create(request: Request, mesh: Mesh, response: Response, request_id: RequestId = "") -> None:
    """Open an upload; a body is the beginning of the file. `Upload-Metadata` may be empty.

    Its keys: `filename`, `filetype`, `sha256`, `preset`, `job`, `visibility`, `passthrough`, `label.<name>`.
    """
    tus.check_version(request.headers)
    size = tus.number(request.headers, "Upload-Length")
    metadata = request.headers.get("upload-metadata", "")
    asked = _upload_request(metadata, size)
    create = wire.to_create_upload(asked, request_id, file_name=asked.file_name, size=size)
    create.transport = upload_pb2.Upload.TRANSPORT_STREAMED
    create.client_metadata = metadata
    await vet(mesh.services, create)
    upload = (await mesh.services.upload.CreateUpload(create, timeout=TIMEOUT)).upload
    response.headers["Location"] = f"{tus.PREFIX}/{upload.id}"
    if request.headers.get("content-type") == tus.BODY or size == 0:
        upload = await _append(mesh, upload.id, 0, request)
    response.headers.update(tus.told(upload))


@router.head("/{upload_id}", status_code=200, dependencies=STREAMED, openapi_extra=_headers(), **_DOCUMENTED)
async def tus_offset(upload_id: ResourceId, request: Request, mesh: Mesh, response: Response) -> None:
    """How far the upload is: go on from `Upload-Offset`."""
    tus.check_version(request.headers)
    asked = upload_pb2.BeginAppendRequest(upload_id=str(upload_id), release=True)
    upload = (await mesh.services.upload.BeginAppend(asked, timeout=COMPLETE_TIMEOUT)).upload
    state = upload_pb2.Upload.State.Name(upload.state).removeprefix("STATE_").lower()
    if f"upload_{state}" in _OVER:
        raise Gone(f"upload_{state}", f"the upload is {state}")
    response.headers.update(tus.told(upload))
    if upload.client_metadata:
        response.headers["Upload-Metadata"] = upload.client_metadata


@router.patch(
    "/{upload_id}",
    status_code=204,
    dependencies=STREAMED,
    openapi_extra=_BODY | _headers(Upload_Offset=_BYTES, Upload_Checksum=_TEXT),
    **_DOCUMENTED,
)
async def tus_append(upload_id: ResourceId, request: Request, mesh: Mesh, response: Response) -> None:
    """The next bytes, from `Upload-Offset` on. What came of a request that was cut is kept."""
    tus.check_version(request.headers)
    tus.check_body(request.headers)
    upload = await _append(mesh, str(upload_id), tus.number(request.headers, "Upload-Offset"), request)
    response.headers.update(tus.told(upload))


@router.delete("/{upload_id}", status_code=204, dependencies=STREAMED, openapi_extra=_headers(), **_DOCUMENTED)
async def tus_terminate(upload_id: ResourceId, request: Request, mesh: Mesh) -> None:
    tus.check_version(request.headers)
    await mesh.services.upload.AbortUpload(upload_pb2.AbortUploadRequest(upload_id=str(upload_id)), timeout=TIMEOUT)


@router.post("/{upload_id}", status_code=204, dependencies=STREAMED, include_in_schema=False)
async def tus_overridden(upload_id: ResourceId, request: Request, mesh: Mesh, response: Response) -> None:
    """For clients that can only POST."""
    match request.headers.get("x-http-method-override", "").upper():
        case "PATCH":
            await tus_append(upload_id, request, mesh, response)
        case "DELETE":
            await tus_terminate(upload_id, request, mesh)
        case _:
            field = FieldError("X-HTTP-Method-Override", "must be PATCH or DELETE")
            raise InvalidArgument("invalid_argument", f"{field.field} {field.message}", fields=(field,))


def _upload_request(metadata: str, size: int) -> UploadRequest:
    """Raises RequestValidationError, for which what came in metadata is a body."""
    try:
        return UploadRequest(**{"file_name": "upload"} | tus.fields(metadata), size=size)
    except ValidationError as error:
        raise bodies.refused(error) from None


async def _append(mesh: Gateway, upload_id: str, offset: int, request: Request) -> upload_pb2.Upload:
    checksum = tus.checksum(request.headers)
    try:
        with mesh.receiver.admitted():
            body = mesh.receiver.watched(request.stream())
            return await mesh.receiver.append(upload_id, offset, body, checksum=checksum)
    except AioRpcError as error:
        known = status.from_rpc_error(error)
        raise (Gone(known.reason, known.message) if known.reason in _OVER else known) from error
