"""What the form of `/v1/transcode` means."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi.exceptions import RequestValidationError

from meshkit.errors import InvalidArgument
from services.gateway.transcoding import form_request


def asked(**fields: str) -> dict[str, Any]:
    """Of the job, with what is not said left out."""
    job = form_request({"file_name": "a.mp4", **fields}).job
    assert job
    return job.model_dump(exclude_none=True)


def video(**fields: str) -> dict[str, Any]:
    [output] = asked(**fields)["outputs"]
    assert output["kind"] == "file"
    return {"container": output["container"]} | {
        name: value for name, value in output["video"].items() if name not in {"fit", "upscale"}
    }


@pytest.mark.parametrize(
    ("fields", "made"),
    [
        ({"codec": "h264"}, {"container": "mp4", "codec": "h264"}),
        ({"codec": "vp9"}, {"container": "webm", "codec": "vp9"}),
        ({"codec": "av1", "container": "webm"}, {"container": "webm", "codec": "av1"}),
        ({"container": "webm"}, {"container": "webm"}),
        ({"bitrate": "2500000"}, {"container": "mp4", "bit_rate": 2_500_000}),
        ({"bitrate": "2500k"}, {"container": "mp4", "bit_rate": 2_500_000}),
        ({"bitrate": "2.5M"}, {"container": "mp4", "bit_rate": 2_500_000}),
        ({"resolution": "1280x720"}, {"container": "mp4", "width": 1280, "height": 720}),
        ({"resolution": "720"}, {"container": "mp4", "short_side": 720}),
        ({"resolution": "720p"}, {"container": "mp4", "short_side": 720}),
        ({"resolution": "361"}, {"container": "mp4", "short_side": 360}),
        ({"frame_rate": "29.97"}, {"container": "mp4", "frame_rate": 29.97}),
    ],
)
def test_each_field_says_what_to_make(fields: dict[str, str], made: dict[str, Any]) -> None:
    assert video(**fields) == made


def test_a_preset_says_it_all() -> None:
    request = form_request({"file_name": "a.mp4", "preset": "audio", "callback_url": "https://club.example/over"})
    assert request.preset == "audio"
    assert request.job
    assert request.job.model_dump(exclude_none=True) == {"callback_url": "https://club.example/over"}
    assert asked() == {}


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"codec": "mpeg2"}, "codec"),
        ({"bitrate": "fast"}, "bitrate"),
        ({"bitrate": "9k"}, "bitrate"),
        ({"bitrate": "1e9"}, "bitrate"),
        ({"bitrate": "999999999M"}, "bitrate"),
        ({"bitrate": "-1"}, "bitrate"),
        ({"resolution": "big"}, "resolution"),
        ({"resolution": "1280x"}, "resolution"),
        ({"resolution": "0x0"}, "resolution"),
        ({"resolution": "99999x720"}, "resolution"),
        ({"resolution": "1280x720p"}, "resolution"),
        ({"resolution": "8192"}, "resolution"),
        ({"resolution": "\u0667\u0662\u0660"}, "resolution"),
        ({"frame_rate": "nan"}, "frame_rate"),
        ({"frame_rate": "0"}, "frame_rate"),
        ({"container": "mkv"}, "container"),
        ({"callback_url": "x" * 3000}, "callback_url"),
        ({"job": "{}"}, "job"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_a_wrong_field_is_named(fields: dict[str, str], field: str) -> None:
    with pytest.raises(RequestValidationError) as caught:
        asked(**fields)
    assert [error["loc"] for error in caught.value.errors()] == [("body", field)]


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"preset": "hls", "resolution": "720"}, "preset"),
        ({"codec": "h264", "container": "webm"}, "container"),
        ({"codec": "hevc", "container": "webm"}, "container"),
    ],
)
def test_what_does_not_go_together_is_refused(fields: dict[str, str], field: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        asked(**fields)
    assert [error.field for error in caught.value.fields] == [field]
