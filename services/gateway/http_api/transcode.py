"""/v1/transcode: a file, and the job that is to be made of it, in one request."""

from typing import Any

from fastapi import APIRouter, Request, Response

from meshkit import public
from services.gateway import schemas
from services.gateway.forms import Form
from services.gateway.http_api.deps import PROTECTED_PROBLEMS, STREAMED, Mesh, RequestId, problems
from services.gateway.http_api.forms import described
from services.gateway.sending import send_form
from services.gateway.transcoding import first_job, form_request

router = APIRouter(tags=["jobs"], responses=PROTECTED_PROBLEMS)
_FIELDS: dict[str, dict[str, Any]] = {
    "preset": {"type": "string", "description": "In place of codec, bitrate, resolution, frame_rate and container."},
    "codec": {"type": "string", "enum": ["h264", "hevc", "av1", "vp9"]},
    "bitrate": {"type": "string", "description": "Bits per second: `2500000`, `2500k` or `2.5M`."},
    "resolution": {"type": "string", "description": "A box, `1280x720`, or the shorter side, `720` or `720p`."},
    "frame_rate": {"type": "number", "minimum": 1, "maximum": 60},
    "container": {"type": "string", "enum": ["mp4", "webm"], "description": "webm for vp9, else mp4."},
    "callback_url": {"type": "string", "description": "Is called when the job is over."},
}


class UploadedJob(schemas.Job):
    upload_id: schemas.Id


@router.post(
    "/v1/transcode",
    status_code=202,
    response_model=UploadedJob,
    dependencies=STREAMED,
    responses=problems(404, 409, 413, 415),
    openapi_extra=described(**_FIELDS),
)
async def transcode(request: Request, mesh: Mesh, response: Response, request_id: RequestId = "") -> dict[str, Any]:
    """Upload a file and queue its job. `Location` is the job.

    Without a preset and any of what stands in its place, the job makes what every upload's makes.
    """
    with mesh.receiver.admitted():
        form = Form(request.headers.get("content-type", ""), mesh.receiver.watched(request.stream()))
        upload = await send_form(mesh.services, mesh.receiver, form, request_id, form_request, within="")
    job = await first_job(mesh.services, upload)
    response.headers["Location"] = f"/v1/jobs/{job.id}"
    return public.job(job) | {"upload_id": upload.id}
