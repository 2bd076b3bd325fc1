"""Tasks and results as protos."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from google.protobuf import struct_pb2
from reelmesh.transcode.v1 import worker_pb2

from services.transcode.worker.domain import Kind, Task

if TYPE_CHECKING:
    from services.transcode.media.facts import SourceFacts
    from services.transcode.media.findings import PicturePart, SoundPart
    from services.transcode.worker.domain import StoredFile, StoredTrack

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


def to_probe_result(facts: SourceFacts) -> worker_pb2.ProbeResult:
    struct = struct_pb2.Struct()
    struct.update(facts.to_json())
    return worker_pb2.ProbeResult(facts=struct)


def to_encode_result(tracks: list[StoredTrack]) -> worker_pb2.EncodeResult:
    return worker_pb2.EncodeResult(tracks=[_track(track) for track in tracks])


def to_files_result(files: list[StoredFile]) -> worker_pb2.FilesResult:
    return worker_pb2.FilesResult(
        files=[
            worker_pb2.MadeFile(
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
            for file in files
        ]
    )


def to_analysis_result(part: PicturePart | SoundPart) -> worker_pb2.AnalysisResult:
    return worker_pb2.AnalysisResult(part_json=json.dumps(part.to_json()))


def _track(track: StoredTrack) -> worker_pb2.EncodedTrack:
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
