"""A file and what to make of it, in one form."""

from __future__ import annotations

import asyncio
import re
import time
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any, Literal

from grpc.aio import AioRpcError
from pydantic import BeforeValidator, PlainValidator, ValidationError
from reelmesh.transcode.v1 import transcode_pb2
from reelmesh.upload.v1 import upload_pb2

from meshkit.errors import Conflict, FieldError, InvalidArgument
from meshkit.grpc import status
from services.gateway.bodies import FileName, refused
from services.gateway.channels import TIMEOUT
from services.gateway.job_bodies import CallbackUrl, JobOptions
from services.gateway.preset_schemas import BitRate, Codec, FrameRate, OutputRequest, OutputVideo
from services.gateway.upload_bodies import FileFields, FormRequest

if TYPE_CHECKING:
    from services.gateway.channels import Services

_BITS = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,6})?)([kKmM]?)", re.ASCII)
_TIMES = {"": 1, "k": 1000, "m": 1_000_000}
_SIZE = re.compile(r"([0-9]{1,5})(?:[xX]([0-9]{1,5})|[pP])?", re.ASCII)
_LEAST, _MOST, _MOST_SHORT = 16, 8192, 4320
"""Pixels."""
_IN_WEBM = {"vp9", "av1"}
_THERE_WITHIN = 3.0
"""Seconds; it takes two events, each some tens of milliseconds."""
_LOOKED_EVERY = 0.05
_USUAL_PRIORITY = 50


def _bits(value: object) -> object:
    """`2500k` and `2.5M` as bits per second."""
    said = _BITS.fullmatch(value) if isinstance(value, str) else None
    return int(Decimal(said[1]) * _TIMES[said[2].lower()]) if said else value


def _size(value: object) -> dict[str, Any]:
    """`1280x720` as a box, `720` or `720p` as a shorter side, even: as an output says it."""
    said = _SIZE.fullmatch(str(value))
    match [int(side) for side in said.groups() if side] if said else []:
        case [width, height] if min(width, height) >= _LEAST and max(width, height) <= _MOST:
            return {"width": width, "height": height}
        case [side] if _LEAST <= side <= _MOST_SHORT:
            return {"short_side": side // 2 * 2}
    raise ValueError(f"must be a box such as 1280x720, or a shorter side such as 720p, of at least {_LEAST}")


class TranscodeForm(FileFields):
    file_name: FileName
    codec: Codec | None = None
    bitrate: Annotated[BitRate | None, BeforeValidator(_bits)] = None
    resolution: Annotated[dict[str, Any] | None, PlainValidator(_size)] = None
    frame_rate: FrameRate | None = None
    container: Literal["mp4", "webm"] | None = None
    callback_url: CallbackUrl = None


def form_request(values: dict[str, Any]) -> FormRequest:
    """The upload that a form asks for. Raises RequestValidationError, InvalidArgument."""
    try:
        said = TranscodeForm(**values)
    except ValidationError as error:
        raise refused(error) from None
    file = said.model_dump(include={*FileFields.model_fields, "file_name"})
    return FormRequest(**file, job=JobOptions(outputs=_outputs(said), callback_url=said.callback_url))


def _outputs(said: TranscodeForm) -> list[OutputRequest] | None:
    """One file, in the container that is usual for its codec; None where the preset says it all."""
    if not any((said.codec, said.bitrate, said.resolution, said.frame_rate, said.container)):
        return None
    if said.preset:
        raise _wrong("preset", "goes without codec, bitrate, resolution, frame_rate and container")
    container = said.container or ("webm" if said.codec == "vp9" else "mp4")
    if container == "webm" and said.codec not in {None, *_IN_WEBM}:
        raise _wrong("container", "webm holds vp9 or av1")
    size = said.resolution or {}
    video = OutputVideo(codec=said.codec, bit_rate=said.bitrate, frame_rate=said.frame_rate, **size)
    return [OutputRequest(kind="file", container=container, video=video)]


def _wrong(field: str, message: str) -> InvalidArgument:
    return InvalidArgument("invalid_argument", f"{field} {message}", fields=(FieldError(field, message),))


async def first_job(services: Services, upload: upload_pb2.Upload) -> transcode_pb2.Job:
    """The job that a completed upload brings about: as it is going to be, where it is not there within moments.

    Raises Conflict for an upload that failed at its end.
    """
    if upload.state == upload_pb2.Upload.STATE_FAILED:
        raise Conflict(upload.error_code, upload.error_message)
    request = transcode_pb2.GetJobRequest(job_id=upload.job_id)
    deadline = time.monotonic() + _THERE_WITHIN
    while time.monotonic() < deadline:
        try:
            return (await services.transcode.GetJob(request, timeout=TIMEOUT)).job
        except AioRpcError as error:
            if status.from_rpc_error(error).reason != "job_not_found":
                # Such as: the caller may not look at jobs. The job will be there all the same.
                break
        await asyncio.sleep(_LOOKED_EVERY)
    return transcode_pb2.Job(
        id=upload.job_id,
        asset_id=upload.asset_id,
        state=transcode_pb2.Job.STATE_QUEUED,
        preset=upload.preset or upload.job.recipe.name,
        priority=_USUAL_PRIORITY,
        create_time=upload.update_time,
    )
