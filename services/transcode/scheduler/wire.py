"""Jobs and tasks as protos."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

from google.protobuf import json_format, struct_pb2
from reelmesh.transcode.v1 import transcode_events_pb2, transcode_pb2, worker_pb2

from meshkit.grpc.times import timestamp
from services.transcode.media.edits import Edits
from services.transcode.media.facts import SourceFacts
from services.transcode.scheduler import analysis_wire, edit_wire
from services.transcode.scheduler.domain import JobState
from services.transcode.scheduler.file import File
from services.transcode.scheduler.rendition import Result, Segment
from services.transcode.scheduler.source import Source
from services.transcode.scheduler.stages import eta, stages, timings
from services.transcode.scheduler.task import TaskKind

if TYPE_CHECKING:
    from fractions import Fraction
    from typing import Any

    from reelmesh.metadata.v1 import metadata_pb2

    from services.transcode.scheduler.attempt import Attempt
    from services.transcode.scheduler.claiming import Claim
    from services.transcode.scheduler.domain import Job
    from services.transcode.scheduler.output import Output

_STATES = {state: transcode_pb2.Job.State.Value(f"STATE_{state.name}") for state in JobState}
_FROM_STATES = {value: state for state, value in _STATES.items()}
_KINDS = {kind: worker_pb2.Task.Kind.Value(f"KIND_{kind.name}") for kind in TaskKind}
_EVENTS = {
    "queued": transcode_events_pb2.JobQueued,
    "started": transcode_events_pb2.JobStarted,
    "probed": transcode_events_pb2.JobProbed,
    "progressed": transcode_events_pb2.JobProgressed,
    "playable": transcode_events_pb2.JobPlayable,
    "ready": transcode_events_pb2.JobReady,
    "succeeded": transcode_events_pb2.JobSucceeded,
    "failed": transcode_events_pb2.JobFailed,
    "cancelled": transcode_events_pb2.JobCancelled,
}


def to_job(job: Job) -> transcode_pb2.Job:
    return transcode_pb2.Job(
        id=job.id,
        tenant_id=job.tenant_id,
        asset_id=job.asset_id,
        state=_STATES[job.state],
        progress=job.progress,
        playable=job.playable,
        priority=job.priority,
        attempts=job.attempts,
        preset=job.preset,
        outputs=[_output(each) for each in job.outputs],
        error_code=job.error_code,
        error_message=job.error_message,
        stages=[
            transcode_pb2.Stage(
                name=stage.name,
                state=transcode_pb2.Stage.State.Value(f"STATE_{stage.state.upper()}"),
                tasks_total=stage.tasks_total,
                tasks_done=stage.tasks_done,
            )
            for stage in stages(job)
        ],
        timings=timings(job),
        eta_seconds=eta(job),
        create_time=timestamp(job.create_time),
        start_time=timestamp(job.start_time),
        end_time=timestamp(job.end_time),
        update_time=timestamp(job.update_time),
        media=_media(SourceFacts.from_json(dict(job.facts))) if job.facts else None,
        object_prefix=job.object_prefix if job.outputs else "",
        callback_url=job.callback_url,
        edits=edit_wire.to_edits(Edits.from_json(dict(job.recipe.get("edits", {})))),
        analysis=analysis_wire.to_analysis(analysis_wire.of_recipe(job.recipe)),
    )


def to_event(job: Job, fact: str) -> Any:
    """What to say of the job, by the name of the fact."""
    return _EVENTS[fact](job=to_job(job))


def to_attempt(attempt: Attempt) -> transcode_pb2.Attempt:
    values = asdict(attempt)
    del values["job_id"]
    return transcode_pb2.Attempt(**values | {"create_time": timestamp(attempt.create_time)})


def to_grown(job: Job) -> transcode_events_pb2.JobGrown:
    return transcode_events_pb2.JobGrown(job_id=job.id)


def to_task(claim: Claim) -> worker_pb2.Task:
    task, job = claim.task, claim.job
    return worker_pb2.Task(
        id=task.id,
        job_id=job.id,
        kind=_KINDS[task.kind],
        epoch=task.epoch,
        lease_expire_time=timestamp(task.lease_expire_time),
        source_key=job.source_key,
        source_size=job.source_size,
        file_name=job.file_name,
        output_prefix=job.object_prefix,
        spec_json=json.dumps(task.spec),
        trace=task.trace,
    )


def from_struct(struct: struct_pb2.Struct) -> dict[str, Any]:
    return dict(json_format.MessageToDict(struct))


def from_state(state: transcode_pb2.Job.State.ValueType) -> JobState | None:
    return _FROM_STATES.get(state)


def from_track(track: worker_pb2.EncodedTrack) -> Result:
    segments = tuple(
        Segment(
            rendition=track.rendition,
            number=segment.number,
            key=segment.key,
            size=segment.bytes,
            start=segment.decode_time,
            ticks=segment.duration,
        )
        for segment in track.segments
    )
    return Result(
        rendition=track.rendition,
        init_key=track.init_key,
        codec=track.codec,
        timescale=track.timescale,
        segments=segments,
    )


def from_file(made: worker_pb2.MadeFile) -> File:
    return File(
        kind=made.kind,
        name=made.name,
        key=made.key,
        size=made.bytes,
        content_type=made.content_type,
        width=made.width,
        height=made.height,
        duration=made.duration,
        codec=made.codec,
        bit_rate=made.bit_rate,
    )


def from_asset(asset: metadata_pb2.Asset) -> Source:
    return Source(
        asset_id=asset.id,
        tenant_id=asset.tenant_id,
        object_key=asset.object_key,
        size=asset.size,
        file_name=asset.file_name,
        sha256=asset.declared_sha256,
    )


def _output(output: Output) -> transcode_pb2.JobOutput:
    return transcode_pb2.JobOutput(
        id=output.id,
        kind=output.kind,
        name=output.name,
        state=transcode_pb2.JobOutput.State.Value(f"STATE_{output.state.upper()}"),
        object_key=output.object_key,
        width=output.width,
        height=output.height,
        bit_rate=output.bit_rate,
        codec=output.codec,
        size=output.size,
        duration=output.duration,
    )


def _media(facts: SourceFacts) -> transcode_pb2.SourceMedia:
    media = transcode_pb2.SourceMedia(
        kind=facts.kind, container=facts.family, duration=float(facts.duration), sha256=facts.sha256
    )
    if facts.duration:
        media.bit_rate = round(facts.size * 8 / facts.duration)
    if video := facts.video:
        media.width, media.height = video.display_size
        media.frame_rate = _ratio(video.frame_rate)
        media.rotation = video.rotation
        media.video_codec = video.codec
        media.hdr = video.hdr
        media.frames = video.frames
    if audio := facts.audio:
        media.audio_codec = audio.codec
        media.audio_channels = audio.channels
        media.audio_sample_rate = audio.sample_rate
    return media


def _ratio(rate: Fraction) -> str:
    return f"{rate.numerator}/{rate.denominator}"
