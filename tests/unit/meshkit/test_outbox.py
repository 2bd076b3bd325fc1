"""How an event is addressed."""

from __future__ import annotations

from reelmesh.metadata.v1 import metadata_events_pb2
from reelmesh.transcode.v1 import transcode_events_pb2
from reelmesh.upload.v1 import upload_events_pb2

from meshkit.outbox import subject_of
from meshkit.topology import DURABLES, STREAMS


def test_a_subject_is_package_fact_and_id() -> None:
    assert subject_of(upload_events_pb2.UploadCompleted(), "7") == "reelmesh.upload.v1.completed.7"
    assert subject_of(metadata_events_pb2.AssetReady(), "7") == "reelmesh.metadata.v1.asset_ready.7"
    assert subject_of(transcode_events_pb2.JobSucceeded(), "7") == "reelmesh.transcode.v1.job_succeeded.7"


def test_every_durable_reads_what_its_stream_holds() -> None:
    for durable in DURABLES.values():
        prefixes = [subject.removesuffix(">") for subject in STREAMS[durable.stream].subjects or []]
        assert any(durable.filter_subject.startswith(prefix) for prefix in prefixes), durable
