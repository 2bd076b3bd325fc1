"""Uploads as protos."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any

from google.protobuf.json_format import MessageToDict, ParseDict
from reelmesh.transcode.v1.transcode_pb2 import JobOptions
from reelmesh.upload.v1 import upload_events_pb2, upload_pb2

from meshkit.errors import FieldError, InvalidArgument
from meshkit.grpc.times import timestamp
from services.upload.domain import Part, Request, State, Transport, Upload, Visibility

if TYPE_CHECKING:
    from collections.abc import Iterable

    from meshkit.quotas import Quota
    from services.upload.ports import SignedSeries
    from services.upload.quotas import Tenant
    from services.upload.tenants import Standing

_STATES = {state: upload_pb2.Upload.State.Value(f"STATE_{state.name}") for state in State}
_VISIBILITIES = {each: upload_pb2.Visibility.Value(f"VISIBILITY_{each.name}") for each in Visibility}
_TRANSPORTS = {each: upload_pb2.Upload.Transport.Value(f"TRANSPORT_{each.name}") for each in Transport}
_TRANSPORT_OF = {value: each for each, value in _TRANSPORTS.items()}
_SETTINGS = ("max_bytes_stored", "max_uploads_per_day", "object_key_template")
_SAME = {field.name for field in fields(Upload)} & set(upload_pb2.Upload.DESCRIPTOR.fields_by_name) - {
    "state",
    "visibility",
    "transport",
    "job",
}
"""Fields that have the same name and type on both sides."""

Event = (
    upload_events_pb2.UploadCreated
    | upload_events_pb2.UploadCompleted
    | upload_events_pb2.UploadFailed
    | upload_events_pb2.UploadAborted
    | upload_events_pb2.UploadExpired
)
_EVENTS: dict[State, type[Event]] = {
    State.RECEIVING: upload_events_pb2.UploadCreated,
    State.COMPLETED: upload_events_pb2.UploadCompleted,
    State.FAILED: upload_events_pb2.UploadFailed,
    State.ABORTED: upload_events_pb2.UploadAborted,
    State.EXPIRED: upload_events_pb2.UploadExpired,
}


def to_upload(upload: Upload) -> upload_pb2.Upload:
    same = {name: getattr(upload, name) for name in _SAME}
    return upload_pb2.Upload(
        state=_STATES[upload.state],
        visibility=_VISIBILITIES[upload.visibility],
        transport=_TRANSPORTS[upload.transport],
        job=ParseDict(dict(upload.job), JobOptions(), ignore_unknown_fields=True) if upload.job else None,
        **same,
    )


def to_event(upload: Upload) -> Event:
    """What to say of the state that the upload has come to."""
    return _EVENTS[upload.state](upload=to_upload(upload))


def to_progress(upload: Upload) -> upload_events_pb2.UploadProgressed:
    return upload_events_pb2.UploadProgressed(upload=to_upload(upload))


def to_signed(series: Iterable[SignedSeries]) -> list[upload_pb2.SignedPart]:
    return [
        upload_pb2.SignedPart(part_number=number, url=url, headers=_headers(each.size))
        for each in series
        for number, url in zip(each.numbers, each.urls, strict=True)
    ]


def to_series(each: SignedSeries) -> upload_pb2.SignedSeries:
    return upload_pb2.SignedSeries(
        url_begin=each.begin,
        url_end=each.end,
        headers=_headers(each.size),
        part_numbers=each.numbers,
        signatures=each.signatures,
    )


def _headers(size: int | None) -> dict[str, str]:
    return {} if size is None else {"Content-Length": str(size)}


def to_append(upload: Upload) -> upload_pb2.BeginAppendResponse:
    return upload_pb2.BeginAppendResponse(
        upload=to_upload(upload),
        epoch=upload.epoch,
        multipart_id=upload.multipart_id,
        tail_key=upload.tail_key,
        tail_prefix=upload.tail_prefix,
    )


def to_received(parts: Iterable[Part]) -> list[upload_pb2.ReceivedPart]:
    return [upload_pb2.ReceivedPart(part_number=part.number, etag=part.etag, size=part.size) for part in parts]


def from_create(request: upload_pb2.CreateUploadRequest) -> Request:
    return Request(
        file_name=request.file_name,
        size=None if request.size_deferred else request.size,
        content_type=request.content_type,
        sha256=request.sha256,
        preset=request.preset,
        labels=dict(request.labels),
        visibility=(Visibility.PUBLIC if request.visibility == upload_pb2.VISIBILITY_PUBLIC else Visibility.PRIVATE),
        passthrough=request.passthrough,
        transport=_TRANSPORT_OF.get(request.transport, Transport.PRESIGNED),
        client_metadata=request.client_metadata,
        source_url=request.source_url,
        job=MessageToDict(request.job, preserving_proto_field_name=True),
    )


def from_completed(parts: Iterable[upload_pb2.CompletedPart]) -> list[Part]:
    return [Part(number=part.part_number, etag=part.etag.strip('"'), size=0) for part in parts]


def to_quota(quota: Quota) -> upload_pb2.Quota:
    return upload_pb2.Quota(used=quota.used, limit=quota.limit, reset_time=timestamp(quota.reset_time))


def to_usage(standing: Standing) -> upload_pb2.Usage:
    stored, uploads = standing.quotas
    return upload_pb2.Usage(bytes_stored=to_quota(stored), uploads_per_day=to_quota(uploads))


def to_settings(tenant: Tenant) -> upload_pb2.TenantSettings:
    return upload_pb2.TenantSettings(**{name: getattr(tenant, name) for name in _SETTINGS})


def from_settings(request: upload_pb2.UpdateTenantSettingsRequest) -> dict[str, Any]:
    """What to change, by the names of Tenant. Raises InvalidArgument for a path that is none of them."""
    paths, settings = request.update_mask.paths, request.settings
    if wrong := tuple(FieldError(path, "cannot be updated") for path in paths if path not in _SETTINGS):
        raise InvalidArgument("invalid_update", f"{wrong[0].field} {wrong[0].message}", fields=wrong)
    return {path: getattr(settings, path) if settings.HasField(path) else None for path in paths}  # type: ignore[arg-type]
