"""Facts of the mesh as public events, and public events as protos."""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING, Any

from google.protobuf.json_format import MessageToDict
from google.protobuf.struct_pb2 import Struct
from google.protobuf.timestamp_pb2 import Timestamp
from reelmesh.notify.v1 import notify_pb2

from meshkit import public
from services.notify.domain import Event, Filter

if TYPE_CHECKING:
    from collections.abc import Callable

    from google.protobuf.message import Message

    from services.notify.domain import Told

_PUBLIC: dict[str, Callable[[Any], dict[str, Any]]] = {
    "upload": public.upload,
    "asset": public.asset,
    "job": public.job,
}
"""Resources by the first word of an event's type, which is also the field of a fact that holds them."""
_CALLED_BACK = {"job.succeeded", "job.failed", "job.cancelled"}


def from_fact(event_type: str, fact: Message) -> Event:
    resource = event_type.partition(".")[0]
    pb = getattr(fact, resource)
    return Event(
        type=event_type,
        tenant_id=pb.tenant_id,
        create_time=pb.update_time.ToDatetime(UTC),
        asset_id=pb.id if resource == "asset" else pb.asset_id,
        job_id=pb.id if resource == "job" else "",
        callback_url=pb.callback_url if event_type in _CALLED_BACK else "",
        data=_PUBLIC[resource](pb),
    )


def from_watch(request: notify_pb2.WatchEventsRequest) -> Filter:
    return Filter(asset_id=request.asset_id, job_id=request.job_id, types=frozenset(request.types))


def to_event(event: Event, event_id: str = "") -> notify_pb2.Event:
    time, data = Timestamp(), Struct()
    time.FromDatetime(event.create_time)
    data.update(dict(event.data))
    return notify_pb2.Event(
        id=event_id,
        type=event.type,
        create_time=time,
        tenant_id=event.tenant_id,
        asset_id=event.asset_id,
        job_id=event.job_id,
        data=data,
    )


def from_event(payload: bytes) -> Event:
    pb = notify_pb2.Event.FromString(payload)
    return Event(
        type=pb.type,
        tenant_id=pb.tenant_id,
        create_time=pb.create_time.ToDatetime(UTC),
        asset_id=pb.asset_id,
        job_id=pb.job_id,
        data=MessageToDict(pb.data),
    )


def to_response(told: Told | None, position: int) -> notify_pb2.WatchEventsResponse:
    event = to_event(told.event, str(told.position)) if told else None
    return notify_pb2.WatchEventsResponse(event=event, last_event_id=str(position))
