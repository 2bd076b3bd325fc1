"""Assets and what jobs say of them, as protos."""

from __future__ import annotations

import pytest
from google.protobuf.field_mask_pb2 import FieldMask
from reelmesh.metadata.v1 import metadata_pb2
from reelmesh.transcode.v1 import transcode_pb2
from reelmesh.upload.v1 import upload_pb2

from meshkit.errors import InvalidArgument
from meshkit.ids import new_id
from services.metadata import wire
from services.metadata.consumer import JOBS
from services.metadata.domain import Changes, Visibility
from services.metadata.jobs import Media, OutputState
from services.metadata.kinds import Kind
from tests.fakes.metadata import NOW, a_job, an_asset


def test_an_asset_crosses_whole() -> None:
    asset = an_asset(new_id())
    job = a_job(asset)
    pb = wire.to_asset(asset.play(job, NOW))
    assert (pb.id, pb.kind, pb.state) == (asset.id, metadata_pb2.Asset.KIND_VIDEO, metadata_pb2.Asset.STATE_PROCESSING)
    assert (pb.media.duration, pb.media.frame_rate, pb.labels["match_id"]) == (12.5, "30000/1001", "7")
    assert [(each.job_id, each.kind, each.state) for each in pb.outputs] == [
        (job.id, "hls", metadata_pb2.Output.STATE_READY)
    ]
    assert pb.create_time.ToJsonString() == "2026-01-01T00:00:00Z"
    assert pb.etag
    assert not pb.HasField("delete_time")
    assert not wire.to_asset(asset).HasField("media")


def test_a_playback_names_the_outputs_of_every_job() -> None:
    asset = an_asset(new_id())
    first, second = a_job(asset), a_job(asset)
    answer = wire.to_playback(asset.succeed(first, NOW).succeed(second, NOW))
    assert answer.object_prefix == second.object_prefix
    assert {output.job_id for output in answer.outputs} == {first.id, second.id}


def test_an_upload_is_the_source_of_its_asset() -> None:
    public = upload_pb2.VISIBILITY_PUBLIC
    upload = upload_pb2.Upload(
        id=new_id(),
        asset_id=new_id(),
        file_name="a.mp4",
        size=5,
        labels={"a": "b"},
        visibility=public,
        preset="hls",
        sha256="ab",
    )
    source = wire.from_upload(upload)
    assert (source.id, source.upload_id, source.file_name, source.size) == (upload.asset_id, upload.id, "a.mp4", 5)
    assert (source.labels, source.visibility) == ({"a": "b"}, Visibility.PUBLIC)
    assert (source.preset, source.declared_sha256) == ("hls", "ab")


def test_a_job_brings_what_its_probe_found() -> None:
    output = transcode_pb2.JobOutput(id="o", kind="dash", state=transcode_pb2.JobOutput.STATE_SKIPPED, size=7)
    media = transcode_pb2.SourceMedia(kind="audio", container="mp3", duration=2.5, sha256="aa", frames=3)
    job = wire.from_job(transcode_pb2.Job(id="j", media=media, outputs=[output], object_prefix="p/"))
    assert (job.kind, job.sha256, job.object_prefix) == (Kind.AUDIO, "aa", "p/")
    assert job.media == Media(container="mp3", duration=2.5, frames=3)
    assert [(each.job_id, each.kind, each.state, each.size) for each in job.outputs] == [
        ("j", "dash", OutputState.SKIPPED, 7)
    ]


def test_a_job_before_its_probe_knows_nothing() -> None:
    job = wire.from_job(transcode_pb2.Job(id="j"))
    assert (job.media, job.kind, job.outputs) == (None, None, ())


def test_an_update_takes_what_its_mask_names() -> None:
    mask = FieldMask(paths=["labels", "passthrough"])
    request = metadata_pb2.UpdateAssetRequest(update_mask=mask, labels={"a": "b"}, file_name="ignored")
    assert wire.from_update(request) == Changes(labels={"a": "b"}, passthrough="")


@pytest.mark.parametrize("path", ["state", "labels.a", "visibility"])
def test_an_update_of_anything_else_names_the_field(path: str) -> None:
    request = metadata_pb2.UpdateAssetRequest(update_mask=FieldMask(paths=[path]))
    with pytest.raises(InvalidArgument) as caught:
        wire.from_update(request)
    assert [field.field for field in caught.value.fields] == [path]


def test_the_jobs_facts_are_what_their_subjects_say() -> None:
    for name, (message, _) in JOBS.items():
        assert message.DESCRIPTOR.name.lower() == name.replace("_", "")
