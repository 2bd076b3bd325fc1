"""A file and its job in one form, into the real upload service."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.integration.uploads.test_forms import FIELD, FILE, FORM, LONG, form
from tests.integration.uploads.tus import stored

if TYPE_CHECKING:
    import httpx2

    from meshkit.objects import Objects
    from tests.fakes.gateway import FakeServices

URL = "https://club.example/over"


async def sent(http: httpx2.AsyncClient, body: bytes, key: str = "", **fields: str) -> httpx2.Response:
    headers = {"Idempotency-Key": key} if key else {}
    files = {"file": ("a.mp4", body, "video/mp4")}
    return await http.post("/v1/transcode", data=fields, files=files, headers=headers)


@pytest.mark.usefixtures("at_once")
@pytest.mark.parametrize("size", [3, len(LONG)])
async def test_one_request_is_an_upload_and_its_job(
    http: httpx2.AsyncClient, others: FakeServices, objects: Objects, size: int
) -> None:
    said = {"codec": "hevc", "resolution": "640x360", "bitrate": "400k", "callback_url": URL, "labels": '{"a": "b"}'}
    answer = await sent(http, LONG[:size], **said)
    assert answer.status_code == 202, answer.text
    job = answer.json()
    assert answer.headers["location"] == f"/v1/jobs/{job['id']}"
    upload, body = await stored(http, job["upload_id"], objects)
    assert (job["id"], job["state"], job["preset"]) == (upload["job_id"], "queued", "made")
    assert (upload["labels"], upload["file_name"], upload["size"]) == ({"a": "b"}, "a.mp4", size)
    assert body == LONG[:size]
    checked = others.transcode.checked[-1].job
    [ladder] = checked.recipe.video
    assert (ladder.codec, ladder.rungs[0].width, ladder.rungs[0].bit_rate) == ("hevc", 640, 400_000)
    assert checked.callback_url == URL


async def test_a_job_that_keeps_out_is_told_as_it_will_be(http: httpx2.AsyncClient) -> None:
    answer = await sent(http, b"abc", resolution="360p")
    assert answer.status_code == 202, answer.text
    job = answer.json()
    upload = (await http.get(f"/v1/uploads/{job['upload_id']}")).json()
    assert (job["id"], job["asset_id"]) == (upload["job_id"], upload["asset_id"])
    assert (job["state"], job["preset"], job["priority"], job["progress"]) == ("queued", "custom", 50, 0)


@pytest.mark.usefixtures("at_once")
async def test_the_same_idempotency_key_is_the_same_job(http: httpx2.AsyncClient) -> None:
    made = [await sent(http, b"abc", "once", codec="h264") for _ in range(2)]
    assert made[0].json() == made[1].json()
    other = await sent(http, b"abc", "once", codec="hevc")
    assert (other.status_code, other.json()["code"]) == (409, "idempotency_key_reused")


@pytest.mark.usefixtures("at_once")
async def test_fields_may_stand_behind_a_small_file_alone(http: httpx2.AsyncClient, others: FakeServices) -> None:
    late = (FIELD.format("resolution"), b"360p")
    answer = await http.post("/v1/transcode", content=form((FILE, b"abc"), late), headers=FORM)
    assert answer.status_code == 202, answer.text
    assert others.transcode.checked[-1].job.recipe.video[0].rungs[0].short_side == 360
    answer = await http.post("/v1/transcode", content=form((FILE, LONG), late), headers=FORM)
    assert (answer.status_code, answer.json()["code"]) == (400, "field_after_file")
    assert answer.json()["errors"][0]["field"] == "resolution"


@pytest.mark.parametrize(
    ("fields", "status", "code", "field"),
    [
        ({"codec": "mpeg2"}, 400, "invalid_argument", "codec"),
        ({"bitrate": "fast"}, 400, "invalid_argument", "bitrate"),
        ({"resolution": "0x0"}, 400, "invalid_argument", "resolution"),
        ({"preset": "default", "codec": "h264"}, 400, "invalid_argument", "preset"),
        ({"preset": "nonsense"}, 400, "unknown_preset", "preset"),
        ({"job": "{}"}, 400, "invalid_argument", "job"),
        ({"file_name": "a.pdf"}, 415, "unsupported_type", "file_name"),
    ],
)
async def test_forms_that_are_wrong(
    http: httpx2.AsyncClient, fields: dict[str, str], status: int, code: str, field: str
) -> None:
    answer = await http.post("/v1/transcode", data=fields, files={"file": ("a.mp4", b"abc")})
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    assert [each["field"] for each in answer.json()["errors"]] == [field]
    assert (await http.get("/v1/uploads")).json()["items"] == []


async def test_what_is_no_form_is_refused(http: httpx2.AsyncClient) -> None:
    answer = await http.post("/v1/transcode", json={"codec": "h264"})
    assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_media_type")
    answer = await http.post("/v1/transcode", data={"codec": "h264"})
    assert answer.status_code == 415
