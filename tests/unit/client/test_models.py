"""Answers as data."""

from datetime import UTC, datetime
from fractions import Fraction

import pytest
from reelmesh_client.models import Asset, Job, Media, Playback, Upload, rate


def test_what_is_null_or_unknown_does_no_harm() -> None:
    body = {"id": "a", "state": "ready", "media": None, "error": None, "poster_url": None, "from_the_future": [1]}

    asset = Asset.from_json(body)

    assert (asset.id, asset.state, asset.media, asset.error, asset.poster_url) == ("a", "ready", None, None, "")
    assert asset.raw["from_the_future"] == [1]


def test_an_asset_with_everything() -> None:
    asset = Asset.from_json(
        {
            "id": "a",
            "state": "failed",
            "error": {"code": "not_media", "message": "no video in it"},
            "media": {"width": 1280, "height": 720, "frame_rate": 29.97002997, "duration": 20.5, "audio_channels": 2},
            "outputs": [{"id": "o", "job_id": "j", "kind": "hls", "state": "ready", "url": None}],
            "create_time": "2026-01-02T03:04:05.123456789Z",
        }
    )

    assert asset.error is not None
    assert asset.error.code == "not_media"
    assert asset.media == Media(width=1280, height=720, frame_rate=Fraction(30000, 1001), duration=20.5)
    assert [(output.kind, output.url) for output in asset.outputs] == [("hls", "")]
    assert asset.create_time == datetime(2026, 1, 2, 3, 4, 5, 123456, tzinfo=UTC)


def test_a_job_and_its_stages() -> None:
    job = Job.from_json({"id": "j", "progress": 0.5, "stages": [{"name": "encode", "tasks_total": 4, "tasks_done": 2}]})

    assert (job.progress, job.stages[0].tasks_done) == (0.5, 2)


def test_an_upload_and_its_signed_parts() -> None:
    part = {"part_number": 1, "url": "http://store", "headers": {"Content-Length": "3"}}

    upload = Upload.from_json({"id": "u", "asset_id": "a", "state": "receiving", "size": 3, "parts": [part]})

    assert upload.parts[0].headers == {"Content-Length": "3"}


def test_a_playback_of_something_public_never_expires() -> None:
    assert Playback.from_json({"hls_url": "http://x", "dash_url": None, "expires_at": None}).expires_at is None


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("30000/1001", Fraction(30000, 1001)),
        (25, Fraction(25)),
        (59.94005994, Fraction(60000, 1001)),
        (None, None),
        ("1/0", None),
        ("soon", None),
        (0, None),
    ],
)
def test_frame_rates(said: object, meant: Fraction | None) -> None:
    assert rate(said) == meant
