"""/v1/events: the live feed, as server-sent events."""

from functools import partial
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Header, Query
from fastapi.responses import StreamingResponse
from reelmesh.notify.v1 import notify_pb2

from services.gateway import wire
from services.gateway.http_api.deps import PROTECTED, PROTECTED_PROBLEMS, Credential, Mesh

router = APIRouter(prefix="/v1", tags=["events"], dependencies=PROTECTED, responses=PROTECTED_PROBLEMS)

EVENT_STREAM = "text/event-stream"
_HEADERS = {
    "Content-Type": EVENT_STREAM,
    "Cache-Control": "no-cache, no-transform",
    # Proxies that hold answers back until they are large enough would hold events back.
    "X-Accel-Buffering": "no",
}


@router.get(
    "/events",
    response_class=StreamingResponse,
    responses={
        200: {
            "description": "Frames of `id`, `event` and `data`; comments are heartbeats.",
            "content": {EVENT_STREAM: {"schema": {"$ref": "#/components/schemas/Event"}}},
        }
    },
)
async def watch_events(
    mesh: Mesh,
    credential: Credential,
    asset_id: Annotated[UUID | None, Query(description="Only events of this asset.")] = None,
    job_id: Annotated[UUID | None, Query(description="Only events of this job.")] = None,
    types: Annotated[list[str] | None, Query(description="Only these types, such as `asset.ready,job.failed`.")] = None,
    last_event_id: Annotated[str, Query(max_length=64, description="Go on after this event.")] = "",
    resume_after: Annotated[str, Header(alias="Last-Event-ID", max_length=64)] = "",
) -> StreamingResponse:
    """The tenant's events as they happen, after those missed since the last one that was seen."""
    request = notify_pb2.WatchEventsRequest(
        asset_id=str(asset_id or ""),
        job_id=str(job_id or ""),
        types=wire.to_types(types or []),
        last_event_id=resume_after or last_event_id,
    )
    frames = await mesh.feed.open(request, partial(mesh.authenticate, credential))
    return StreamingResponse(frames, headers=_HEADERS)
