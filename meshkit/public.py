"""Resources in the shape of the public HTTP API, for the gateway's answers and for every event that is told outside.

Names and values are those of the API: times are RFC 3339 in UTC, enums lower-case names, and what is not known or does
not apply is null. URLs are null too: whoever answers a client fills in what that client may open.
"""

from __future__ import annotations

import json
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from google.protobuf.json_format import MessageToDict

if TYPE_CHECKING:
    from google.protobuf.message import Message
    from google.protobuf.struct_pb2 import Struct
    from reelmesh.metadata.v1 import metadata_pb2
    from reelmesh.notify.v1 import analysis_pb2, webhook_pb2
    from reelmesh.transcode.v1 import edits_pb2, transcode_pb2
    from reelmesh.upload.v1 import upload_pb2

    Output = metadata_pb2.Output | transcode_pb2.JobOutput


def upload(pb: upload_pb2.Upload) -> dict[str, Any]:
    """Without `parts`, which only some answers have."""
    return {
        "id": pb.id,
        "asset_id": pb.asset_id,
        "state": _name(pb, "state"),
        "file_name": pb.file_name,
        "size": None if pb.size_deferred else pb.size,
        "received": pb.received,
        "content_type": pb.content_type or None,
        "sha256": pb.sha256 or None,
        "preset": pb.preset or None,
        "job_id": pb.job_id or None,
        "labels": dict(pb.labels),
        "visibility": _name(pb, "visibility"),
        "passthrough": pb.passthrough or None,
        "part_size": pb.part_size,
        "part_count": pb.part_count,
        "error": _error(pb.error_code, pb.error_message),
        "expires_at": _time(pb, "expire_time"),
        "create_time": _time(pb, "create_time"),
        "update_time": _time(pb, "update_time"),
    }


def asset(pb: metadata_pb2.Asset) -> dict[str, Any]:
    return {
        "id": pb.id,
        "upload_id": pb.upload_id or None,
        "playback_id": pb.playback_id or None,
        "kind": _name(pb, "kind"),
        "state": _name(pb, "state"),
        "playable": pb.playable,
        "file_name": pb.file_name,
        "size": pb.size,
        "content_type": pb.content_type or None,
        "sha256": pb.sha256 or None,
        "labels": dict(pb.labels),
        "visibility": _name(pb, "visibility"),
        "passthrough": pb.passthrough or None,
        "error": _error(pb.error_code, pb.error_message),
        "media": _media(pb.media) if pb.HasField("media") else None,
        "outputs": [output(each, each.job_id) for each in pb.outputs],
        "analysis": _analysis(pb.analysis) if pb.HasField("analysis") else None,
        "poster_url": None,
        "votes": pb.votes,
        "create_time": _time(pb, "create_time"),
        "update_time": _time(pb, "update_time"),
        "delete_time": _time(pb, "delete_time"),
        "source_delete_time": _time(pb, "source_delete_time"),
    }


def asset_event(pb: metadata_pb2.AssetEvent) -> dict[str, Any]:
    """One line of an asset's history."""
    return {
        "id": pb.id,
        "type": pb.type,
        "create_time": _time(pb, "create_time"),
        "state": _name(pb, "state"),
        "subject": pb.subject or None,
        "job_id": pb.job_id or None,
        "changed": list(pb.changed),
        "error_code": pb.error_code or None,
    }


def job(pb: transcode_pb2.Job) -> dict[str, Any]:
    return {
        "id": pb.id,
        "asset_id": pb.asset_id,
        "state": _name(pb, "state"),
        "progress": pb.progress,
        "playable": pb.playable,
        "priority": pb.priority,
        "attempts": pb.attempts,
        "preset": pb.preset or None,
        "edits": edits(pb.edits) if pb.HasField("edits") else None,
        "analysis": {"vmaf": pb.analysis.vmaf} if pb.HasField("analysis") else None,
        "outputs": [output(each, pb.id) for each in pb.outputs],
        "error": _error(pb.error_code, pb.error_message),
        "stages": [
            {
                "name": stage.name,
                "state": _name(stage, "state"),
                "tasks_total": stage.tasks_total,
                "tasks_done": stage.tasks_done,
            }
            for stage in pb.stages
        ],
        "timings": dict(pb.timings),
        "eta_seconds": pb.eta_seconds if pb.HasField("eta_seconds") else None,
        "create_time": _time(pb, "create_time"),
        "start_time": _time(pb, "start_time"),
        "end_time": _time(pb, "end_time"),
    }


def edits(pb: edits_pb2.Edits) -> dict[str, Any]:
    said: dict[str, Any] = MessageToDict(
        pb, preserving_proto_field_name=True, always_print_fields_with_no_presence=True
    )
    return {name: value for name, value in said.items() if value != ""}


def attempt(pb: transcode_pb2.Attempt) -> dict[str, Any]:
    """What a worker ran for a task, once that attempt was over."""
    return {
        "id": pb.id,
        "task_id": pb.task_id,
        "kind": pb.kind,
        "index": pb.index,
        "epoch": pb.epoch,
        "worker_id": pb.worker_id or None,
        "outcome": pb.outcome,
        "error_code": pb.error_code or None,
        "command": pb.command,
        "log": pb.log,
        "create_time": _time(pb, "create_time"),
    }


def webhook(pb: webhook_pb2.Webhook) -> dict[str, Any]:
    """Without its secret, which only whoever makes one is told."""
    return {
        "id": pb.id,
        "url": pb.url,
        "events": list(pb.events),
        "description": pb.description or None,
        "state": _name(pb, "state"),
        "disabled_reason": pb.disabled_reason or None,
        "failing_since_time": _time(pb, "failing_since_time"),
        "create_time": _time(pb, "create_time"),
        "update_time": _time(pb, "update_time"),
    }


def analysis_hook(pb: analysis_pb2.AnalysisHook) -> dict[str, Any]:
    return {
        "id": pb.id,
        "url": pb.url,
        "description": pb.description or None,
        "failing_since_time": _time(pb, "failing_since_time"),
        "create_time": _time(pb, "create_time"),
        "update_time": _time(pb, "update_time"),
    }


def delivery(pb: webhook_pb2.WebhookDelivery) -> dict[str, Any]:
    return {
        "id": pb.id,
        "webhook_id": pb.webhook_id,
        "event_id": pb.event_id,
        "type": pb.type,
        "asset_id": pb.asset_id or None,
        "job_id": pb.job_id or None,
        "state": _name(pb, "state"),
        "body": pb.payload,
        "attempts": pb.attempts,
        "log": [
            {
                "number": attempt.number,
                "start_time": _time(attempt, "start_time"),
                "duration": attempt.duration,
                "url": attempt.url,
                "headers": dict(attempt.headers),
                "status": attempt.status or None,
                "error": attempt.error or None,
            }
            for attempt in pb.log
        ],
        "next_attempt_time": _time(pb, "next_attempt_time"),
        "create_time": _time(pb, "create_time"),
        "end_time": _time(pb, "end_time"),
    }


def data(struct: Struct) -> dict[str, Any]:
    """The `data` of an event, as it was told: a Struct has no integers, the API does."""
    return {name: _whole(value) for name, value in MessageToDict(struct).items()}


def _whole(value: Any) -> Any:
    match value:
        case float() if value.is_integer():
            return int(value)
        case dict():
            return {name: _whole(each) for name, each in value.items()}
        case list():
            return [_whole(each) for each in value]
    return value


def output(pb: Output, job_id: str) -> dict[str, Any]:
    return {
        "id": pb.id,
        "job_id": job_id,
        "kind": pb.kind,
        "name": pb.name,
        "state": _name(pb, "state"),
        "url": None,
        "width": pb.width or None,
        "height": pb.height or None,
        "bit_rate": pb.bit_rate or None,
        "codec": pb.codec or None,
        "size": pb.size or None,
        "duration": pb.duration or None,
    }


def _media(pb: metadata_pb2.Media) -> dict[str, Any]:
    return {
        "container": pb.container or None,
        "duration": pb.duration or None,
        "width": pb.width or None,
        "height": pb.height or None,
        "frame_rate": round(float(Fraction(pb.frame_rate)), 3) if pb.frame_rate else None,
        "rotation": pb.rotation,
        "bit_rate": pb.bit_rate or None,
        "video_codec": pb.video_codec or None,
        "audio_codec": pb.audio_codec or None,
        "hdr": pb.hdr or None,
        "audio_channels": pb.audio_channels or None,
        "audio_sample_rate": pb.audio_sample_rate or None,
        "frames": pb.frames or None,
    }


def _analysis(pb: metadata_pb2.Analysis) -> dict[str, Any]:
    return {
        "state": _name(pb, "state"),
        "answer": json.loads(pb.answer) if pb.answer else None,
        "error": _error(pb.error_code, pb.error_message),
        "update_time": _time(pb, "update_time"),
    }


def _error(code: str, message: str) -> dict[str, str] | None:
    return {"code": code, "message": message} if code else None


def _name(pb: Message, field: str) -> str | None:
    """`STATE_READY` of an enum State as `ready`; null when it is unspecified or newer than we are."""
    enum = pb.DESCRIPTOR.fields_by_name[field].enum_type
    number = getattr(pb, field)
    if enum is None or not number or number not in enum.values_by_number:
        return None
    return enum.values_by_number[number].name.removeprefix(f"{enum.name.upper()}_").lower()


def _time(pb: Message, field: str) -> str | None:
    return str(getattr(pb, field).ToJsonString()) if pb.HasField(field) else None
