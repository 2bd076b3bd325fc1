"""A form's file on its way into an upload of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from grpc.aio import AioRpcError
from pydantic import ValidationError
from reelmesh.upload.v1 import upload_pb2

from meshkit.errors import FieldError, InvalidArgument, MeshError
from meshkit.grpc import status
from meshkit.telemetry import log
from services.gateway import bodies, wire
from services.gateway.channels import TIMEOUT
from services.gateway.job_wire import WITHIN, vet
from services.gateway.upload_bodies import FormRequest, of_text

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from services.gateway.channels import Services
    from services.gateway.forms import Form
    from services.gateway.receiving import Receiver

_ELSEWHERE = {"offset_mismatch", "append_superseded"}
"""Another request, by the same Idempotency-Key, sends the file."""
FIRST = 8 << 20
"""Bytes of the file that are read before the upload is opened: fields may stand behind a file that is smaller."""


def form_request(values: dict[str, Any]) -> FormRequest:
    """Raises RequestValidationError."""
    try:
        return FormRequest(**values)
    except ValidationError as error:
        raise bodies.refused(error) from None


async def send_form(
    services: Services,
    receiver: Receiver,
    form: Form,
    request_id: str,
    read: Callable[[dict[str, Any]], FormRequest] = form_request,
    within: str = WITHIN,
) -> upload_pb2.Upload:
    """`read` says what its fields mean, and `within` where they speak of a job.

    Raises MeshError; then there is no upload, or an aborted one.
    """
    await form.begin()
    file = form.file()
    first, size = await _first(file)
    known = dict(form.fields)
    asked = read(_values(known, form))
    create = wire.to_create_upload(asked, request_id, file_name=asked.file_name, size=size)
    create.transport = upload_pb2.Upload.TRANSPORT_STREAMED
    await vet(services, create, within)
    upload = (await services.upload.CreateUpload(create, timeout=TIMEOUT)).upload
    if upload.state == upload_pb2.Upload.STATE_COMPLETED:
        return upload
    return await send_into(services, receiver, upload.id, _checked(form, known, first, file))


async def send_into(
    services: Services, receiver: Receiver, upload_id: str, body: AsyncIterator[bytes]
) -> upload_pb2.Upload:
    """The whole file, in one go: what breaks off cannot be gone on with, and is aborted."""
    try:
        return await receiver.append(upload_id, 0, body, ends=True)
    except (MeshError, AioRpcError) as error:
        if isinstance(error, AioRpcError) and status.from_rpc_error(error).reason in _ELSEWHERE:
            raise
        try:
            await services.upload.AbortUpload(upload_pb2.AbortUploadRequest(upload_id=upload_id), timeout=TIMEOUT)
        except AioRpcError as refusal:
            log.info("upload not aborted", upload_id=upload_id, reason=status.from_rpc_error(refusal).reason)
        raise


def _values(fields: dict[str, str], form: Form) -> dict[str, Any]:
    """Raises InvalidArgument."""
    values = of_text({name: value for name, value in fields.items() if value})
    values.setdefault("file_name", form.file_name or "upload")
    if form.content_type:
        values.setdefault("content_type", form.content_type)
    return values


async def _first(file: AsyncIterator[bytes]) -> tuple[list[bytes], int | None]:
    """The beginning of the file, and its size where that was all of it."""
    chunks, size = [], 0
    async for chunk in file:
        chunks.append(chunk)
        size += len(chunk)
        if size >= FIRST:
            return chunks, None
    return chunks, size


async def _checked(
    form: Form, known: dict[str, str], first: list[bytes], file: AsyncIterator[bytes]
) -> AsyncIterator[bytes]:
    for chunk in first:
        yield chunk
    async for chunk in file:
        yield chunk
    if late := sorted(form.fields.keys() - known.keys()):
        field = FieldError(late[0], "must stand before a file of this size")
        raise InvalidArgument("field_after_file", field.message, fields=(field,))
