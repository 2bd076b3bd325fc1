"""Resources as the public API shows them."""

from __future__ import annotations

from google.protobuf.struct_pb2 import Struct
from google.protobuf.timestamp_pb2 import Timestamp
from reelmesh.metadata.v1 import metadata_pb2
from reelmesh.transcode.v1 import transcode_pb2
from reelmesh.upload.v1 import upload_pb2

from meshkit import public

THEN = Timestamp(seconds=1_767_225_600)
Asset, Output, Job = metadata_pb2.Asset, metadata_pb2.Output, transcode_pb2.Job


def test_an_asset_with_everything() -> None:
    shown = public.asset(
        Asset(
            id="a",
            kind=Asset.KIND_VIDEO,
            state=Asset.STATE_READY,
            visibility=Asset.VISIBILITY_PUBLIC,
            labels={"match_id": "7"},
            media=metadata_pb2.Media(container="mp4", duration=2.5, frame_rate="30000/1001"),
            outputs=[Output(id="o", job_id="j", kind="hls", state=Output.STATE_SKIPPED, object_key="secret")],
            object_key="secret",
            create_time=THEN,
        )
    )
    assert (shown["kind"], shown["state"], shown["visibility"]) == ("video", "ready", "public")
    assert (shown["labels"], shown["create_time"]) == ({"match_id": "7"}, "2026-01-01T00:00:00Z")
    assert (shown["media"]["frame_rate"], shown["media"]["rotation"], shown["media"]["width"]) == (29.97, 0, None)
    (output,) = shown["outputs"]
    assert (output["job_id"], output["state"], output["url"], output["width"]) == ("j", "skipped", None, None)
    assert "secret" not in str(shown)


def test_an_asset_of_which_nothing_is_known() -> None:
    shown = public.asset(Asset(id="a"))
    assert all(shown[name] is None for name in ("kind", "error", "media", "sha256", "delete_time", "poster_url"))
    assert shown["outputs"] == []


def test_an_error_is_shown_with_its_code() -> None:
    assert public.asset(Asset(error_code="not_media", error_message="no"))["error"] == {
        "code": "not_media",
        "message": "no",
    }


def test_a_job_shows_its_stages_and_outputs() -> None:
    stage = transcode_pb2.Stage(name="encode", state=transcode_pb2.Stage.STATE_RUNNING, tasks_total=4, tasks_done=1)
    output = transcode_pb2.JobOutput(id="o", kind="dash", state=transcode_pb2.JobOutput.STATE_PREPARING)
    shown = public.job(
        Job(id="j", state=Job.STATE_RUNNING, progress=0.25, stages=[stage], outputs=[output], timings={"probe": 1.5})
    )
    assert (shown["state"], shown["progress"], shown["timings"]) == ("running", 0.25, {"probe": 1.5})
    assert shown["stages"] == [{"name": "encode", "state": "running", "tasks_total": 4, "tasks_done": 1}]
    assert (shown["outputs"][0]["job_id"], shown["outputs"][0]["state"]) == ("j", "preparing")


def test_an_upload_says_when_it_expires() -> None:
    state = upload_pb2.Upload.STATE_RECEIVING
    shown = public.upload(upload_pb2.Upload(id="u", asset_id="a", state=state, expire_time=THEN))
    assert (shown["state"], shown["asset_id"], shown["expires_at"]) == ("receiving", "a", "2026-01-01T00:00:00Z")


def test_a_state_newer_than_we_are_is_not_known() -> None:
    newer = Asset()
    newer.ParseFromString(b"\x28\x63")  # field 5, the state, is 99
    assert newer.state == 99
    assert public.asset(newer)["state"] is None


def test_what_went_through_a_struct_comes_back_as_it_was() -> None:
    shown = public.asset(Asset(size=5 << 40, media=metadata_pb2.Media(duration=2.5, width=640), outputs=[Output()]))
    struct = Struct()
    struct.update(shown)
    told = public.data(struct)
    assert told == shown
    assert isinstance(told["size"], int)
    assert isinstance(told["media"]["width"], int)
