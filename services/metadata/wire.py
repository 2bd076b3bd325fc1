"""Assets as protos, and what uploads and jobs say."""

from __future__ import annotations

from dataclasses import fields
from datetime import UTC
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from google.protobuf.json_format import MessageToDict, ParseDict
from reelmesh.metadata.v1 import metadata_events_pb2, metadata_pb2
from reelmesh.transcode.v1 import transcode_pb2
from reelmesh.upload.v1 import upload_pb2

from meshkit.errors import FieldError, InvalidArgument
from meshkit.grpc.times import timestamp
from services.metadata.analysis import Analysis, AnalysisState
from services.metadata.audit import Action
from services.metadata.domain import Asset, Changes, Fact, Source, State, Visibility
from services.metadata.jobs import Job, Media, Output, OutputState
from services.metadata.kinds import Kind
from services.metadata.labels import Bound, Comparison
from services.metadata.listing import Filter
from services.metadata.policy import Policy

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from google.protobuf.message import Message
    from google.protobuf.timestamp_pb2 import Timestamp

    from services.metadata.history import Line
    from services.metadata.ports import Removal

_KINDS = {each: metadata_pb2.Asset.Kind.Value(f"KIND_{each.name}") for each in Kind}
_STATES = {each: metadata_pb2.Asset.State.Value(f"STATE_{each.name}") for each in State}
_VISIBILITIES = {each: metadata_pb2.Asset.Visibility.Value(f"VISIBILITY_{each.name}") for each in Visibility}
_OUTPUT_STATES = {each: metadata_pb2.Output.State.Value(f"STATE_{each.name}") for each in OutputState}
_ANALYSIS_STATES = {each: metadata_pb2.Analysis.State.Value(f"STATE_{each.name}") for each in AnalysisState}
_FROM_KIND = {number: each for each, number in _KINDS.items()}
_FROM_STATE = {number: each for each, number in _STATES.items()}
_FROM_VISIBILITY = {number: each for each, number in _VISIBILITIES.items()}
_FROM_JOB_OUTPUT_STATE = {transcode_pb2.JobOutput.State.Value(f"STATE_{each.name}"): each for each in OutputState}

Event = (
    metadata_events_pb2.AssetCreated
    | metadata_events_pb2.AssetUpdated
    | metadata_events_pb2.AssetPlayable
    | metadata_events_pb2.AssetReady
    | metadata_events_pb2.AssetFailed
    | metadata_events_pb2.AssetDeleted
    | metadata_events_pb2.AssetRestored
    | metadata_events_pb2.AssetSourceDeleted
)
_EVENTS: dict[Fact, type[Event]] = {
    Fact.CREATED: metadata_events_pb2.AssetCreated,
    Fact.UPDATED: metadata_events_pb2.AssetUpdated,
    Fact.PLAYABLE: metadata_events_pb2.AssetPlayable,
    Fact.READY: metadata_events_pb2.AssetReady,
    Fact.FAILED: metadata_events_pb2.AssetFailed,
    Fact.DELETED: metadata_events_pb2.AssetDeleted,
    Fact.RESTORED: metadata_events_pb2.AssetRestored,
    Fact.SOURCE_DELETED: metadata_events_pb2.AssetSourceDeleted,
}
_ACTIONS = {
    metadata_pb2.OpenAssetRequest.PURPOSE_STREAM: Action.STREAM,
    metadata_pb2.OpenAssetRequest.PURPOSE_DOWNLOAD: Action.DOWNLOAD,
    metadata_pb2.OpenAssetRequest.PURPOSE_URL: Action.URL,
    metadata_pb2.OpenAssetRequest.PURPOSE_PLAYBACK: Action.PLAYBACK,
}


def _same(ours: type[Any], theirs: type[Message], *but: str) -> list[str]:
    """Fields that have the same name and type on both sides."""
    return [
        each.name for each in fields(ours) if each.name in theirs.DESCRIPTOR.fields_by_name and each.name not in but
    ]


_ASSET = _same(Asset, metadata_pb2.Asset, "kind", "state", "visibility", "media", "outputs", "job", "analysis")
_MEDIA = _same(Media, metadata_pb2.Media)
_OUTPUT = _same(Output, metadata_pb2.Output, "state")
_SOURCE = _same(Source, upload_pb2.Upload, "id", "labels", "visibility", "job")
_JOB = _same(Job, transcode_pb2.Job, "outputs", "media")
_JOB_OUTPUT = _same(Output, transcode_pb2.JobOutput, "state")


def _values(of: Any, names: list[str]) -> dict[str, Any]:
    return {name: getattr(of, name) for name in names}


def to_asset(asset: Asset, answer: str = "") -> metadata_pb2.Asset:
    """With the answer of its analysis only where that was read: it may be long."""
    return metadata_pb2.Asset(
        kind=_KINDS[asset.kind] if asset.kind else metadata_pb2.Asset.KIND_UNSPECIFIED,
        state=_STATES[asset.state],
        visibility=_VISIBILITIES[asset.visibility],
        media=metadata_pb2.Media(**_values(asset.media, _MEDIA)) if asset.media else None,
        outputs=to_outputs(asset.outputs),
        analysis=_to_analysis(asset.analysis, answer) if asset.analysis else None,
        etag=asset.etag,
        job=ParseDict(dict(asset.job), transcode_pb2.JobOptions(), ignore_unknown_fields=True) if asset.job else None,
        **_values(asset, _ASSET),
    )


def to_event(asset: Asset, fact: Fact) -> Event:
    return _EVENTS[fact](asset=to_asset(asset))


def to_purged(removal: Removal) -> metadata_events_pb2.AssetPurged:
    return metadata_events_pb2.AssetPurged(asset_id=removal.asset_id, tenant_id=removal.tenant_id)


def to_line(line: Line) -> metadata_pb2.AssetEvent:
    return metadata_pb2.AssetEvent(
        id=line.id,
        type=f"asset.{line.fact}",
        create_time=timestamp(line.create_time),
        state=_STATES[line.state],
        subject=line.subject,
        job_id=line.job_id,
        changed=line.changed,
        error_code=line.error_code,
    )


def to_playback(asset: Asset) -> metadata_pb2.ResolvePlaybackResponse:
    return metadata_pb2.ResolvePlaybackResponse(
        asset_id=asset.id,
        visibility=_VISIBILITIES[asset.visibility],
        object_prefix=asset.object_prefix,
        outputs=to_outputs(asset.outputs),
        tenant_id=asset.tenant_id,
        source_key="" if asset.source_delete_time else asset.object_key,
        file_name=asset.file_name,
        content_type=asset.content_type,
    )


def to_retention(policy: Policy) -> metadata_pb2.Retention:
    return metadata_pb2.Retention(original_days=policy.original_days, deleted_days=policy.deleted_days)


def from_retention(pb: metadata_pb2.Retention) -> Policy:
    return Policy(
        original_days=pb.original_days if pb.HasField("original_days") else None,
        deleted_days=pb.deleted_days if pb.HasField("deleted_days") else None,
    )


def from_purpose(purpose: metadata_pb2.OpenAssetRequest.Purpose.ValueType) -> Action:
    return _ACTIONS[purpose]


def to_outputs(outputs: Iterable[Output]) -> list[metadata_pb2.Output]:
    return [metadata_pb2.Output(state=_OUTPUT_STATES[each.state], **_values(each, _OUTPUT)) for each in outputs]


def from_upload(pb: upload_pb2.Upload) -> Source:
    public = pb.visibility == upload_pb2.VISIBILITY_PUBLIC
    return Source(
        id=pb.asset_id,
        upload_id=pb.id,
        declared_sha256=pb.sha256,
        labels=dict(pb.labels),
        visibility=Visibility.PUBLIC if public else Visibility.PRIVATE,
        job=MessageToDict(pb.job, preserving_proto_field_name=True),
        **_values(pb, _SOURCE),
    )


def from_job(pb: transcode_pb2.Job) -> Job:
    found = pb.HasField("media")
    return Job(
        outputs=tuple(_from_output(each, pb.id) for each in pb.outputs),
        kind=Kind(pb.media.kind) if pb.media.kind in set(Kind) else None,
        sha256=pb.media.sha256,
        media=Media(**_values(pb.media, _MEDIA)) if found else None,
        **_values(pb, _JOB),
    )


def from_list(request: metadata_pb2.ListAssetsRequest) -> Filter:
    return Filter(
        kind=_FROM_KIND.get(request.kind),
        state=_FROM_STATE.get(request.state),
        visibility=_FROM_VISIBILITY.get(request.visibility),
        labels=dict(request.labels),
        bounds=tuple(map(_from_bound, request.label_bounds)),
        name=request.name,
        created_after=_moment(request.created_after) if request.HasField("created_after") else None,
        created_before=_moment(request.created_before) if request.HasField("created_before") else None,
    )


def from_update(request: metadata_pb2.UpdateAssetRequest) -> Changes:
    """Raises InvalidArgument for a path that cannot be updated, or that has no value."""
    values: dict[str, Any] = {
        "labels": dict(request.labels),
        "visibility": _FROM_VISIBILITY.get(request.visibility),
        "passthrough": request.passthrough,
        "file_name": request.file_name,
    }
    wrong = [FieldError(path, "cannot be updated") for path in request.update_mask.paths if path not in values]
    if "visibility" in request.update_mask.paths and values["visibility"] is None:
        wrong.append(FieldError("visibility", "is private or public"))
    if wrong:
        raise InvalidArgument("invalid_update", f"{wrong[0].field} {wrong[0].message}", fields=tuple(wrong))
    return Changes(**{path: values[path] for path in request.update_mask.paths})


def _to_analysis(analysis: Analysis, answer: str) -> metadata_pb2.Analysis:
    return metadata_pb2.Analysis(
        state=_ANALYSIS_STATES[analysis.state],
        answer=answer,
        error_code=analysis.error_code,
        error_message=analysis.error_message,
        update_time=timestamp(analysis.update_time),
    )


def _from_bound(pb: metadata_pb2.LabelBound) -> Bound:
    comparison = metadata_pb2.LabelBound.Comparison.Name(pb.comparison).removeprefix("COMPARISON_").lower()
    return Bound(name=pb.name, comparison=Comparison(comparison), number=Decimal(pb.number))


def _moment(pb: Timestamp) -> datetime:
    """Raises InvalidArgument for one outside of the calendar."""
    try:
        return pb.ToDatetime(UTC)
    except (ValueError, OverflowError):
        raise InvalidArgument("invalid_argument", "not a time of the calendar") from None


def _from_output(pb: transcode_pb2.JobOutput, job_id: str) -> Output:
    state = _FROM_JOB_OUTPUT_STATE.get(pb.state, OutputState.PREPARING)
    return Output(state=state, **_values(pb, _JOB_OUTPUT) | {"job_id": job_id})
