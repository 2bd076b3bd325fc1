"""Tasks and results as protos."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from reelmesh.transcode.v1 import worker_pb2

from services.transcode.media.facts import SourceFacts
from services.transcode.worker.domain import Encoded, Filed, Kind, Refused, Task

if TYPE_CHECKING:
    from services.transcode.worker.domain import StoredFile, StoredTrack
    from services.transcode.worker.ports import Result

_KINDS = {worker_pb2.Task.Kind.Value(f"KIND_{kind.name}"): kind for kind in Kind}


def from_task(task: worker_pb2.Task) -> Task:
    return Task(
        id=task.id,
        job_id=task.job_id,
        kind=_KINDS[task.kind],
        epoch=task.epoch,
        source_key=task.source_key,
        source_size=task.source_size,
        file_name=task.file_name,
        output_prefix=task.output_prefix,
        spec=json.loads(task.spec_json),
        trace=dict(task.trace),
    )


def from_claim(answer: worker_pb2.ClaimTaskResponse) -> Task | Refused:
    if answer.HasField("task"):
        return from_task(answer.task)
    return Refused(over=answer.unclaimable.over, retry_after=answer.unclaimable.retry_after)


def to_completion(task: Task, result: Result) -> worker_pb2.CompleteTaskRequest:
    done = worker_pb2.CompleteTaskRequest(task_id=task.id, epoch=task.epoch)
    match result:
        case Encoded(tracks):
            done.encode.MergeFrom(worker_pb2.EncodeResult(tracks=[to_track(track) for track in tracks]))
        case Filed(files):
            done.files.MergeFrom(worker_pb2.FilesResult(files=[_file(file) for file in files]))
        case SourceFacts():
            done.probe.facts.update(result.to_json())
        case _:
            done.analysis.part_json = json.dumps(result.to_json())
    return done


def _file(file: StoredFile) -> worker_pb2.MadeFile:
    return worker_pb2.MadeFile(
        kind=file.made.kind,
        name=file.made.name,
        key=file.key,
        bytes=file.size,
        content_type=file.made.content_type,
        width=file.made.width,
        height=file.made.height,
        duration=file.made.duration,
        codec=file.made.codec,
        bit_rate=file.made.bit_rate,
    )


def to_track(track: StoredTrack) -> worker_pb2.EncodedTrack:
    return worker_pb2.EncodedTrack(
        rendition=track.rendition,
        init_key=track.init_key,
        init_bytes=track.init_size,
        codec=track.codecs,
        timescale=track.timescale,
        segments=[
            worker_pb2.EncodedSegment(
                key=segment.key,
                bytes=segment.size,
                decode_time=segment.start,
                duration=segment.ticks,
                samples=segment.frames,
                number=segment.number,
            )
            for segment in track.segments
        ],
    )
