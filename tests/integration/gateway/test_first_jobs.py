"""What an upload says of the job that follows it, over HTTP."""

from __future__ import annotations

import json
from base64 import b64encode
from typing import TYPE_CHECKING, Any

import pytest

from meshkit.errors import FieldError, InvalidArgument, NotFound
from meshkit.ids import new_id
from tests.integration.gateway.test_problems import problem

if TYPE_CHECKING:
    import httpx2

    from tests.fakes.gateway import FakeServices

URL = "https://club.example/over"
JOB = {
    "outputs": [{"container": "mp4", "video": {"codec": "hevc", "height": 360, "bit_rate": 400_000}}],
    "edits": {"trim": {"start": 1, "end": 3}},
    "priority": 0,
    "callback_url": URL,
}


async def create(http: httpx2.AsyncClient, **fields: Any) -> httpx2.Response:
    return await http.post("/v1/uploads", json={"file_name": "a.mp4", "size": 3} | fields)


async def test_a_job_is_checked_and_goes_with_its_upload(http: httpx2.AsyncClient, services: FakeServices) -> None:
    assert (await create(http, job=JOB)).status_code == 201
    said = services.upload.requests[-1].job
    [rung] = said.recipe.video[0].rungs
    assert (said.recipe.video[0].codec, rung.height, rung.bit_rate, rung.container) == ("hevc", 360, 400_000, "mp4")
    assert (said.edits.trim.end, said.priority, said.HasField("priority"), said.callback_url) == (3, 0, True, URL)
    assert services.transcode.checked[-1].job == said


async def test_a_preset_may_stand_on_either_side(http: httpx2.AsyncClient, services: FakeServices) -> None:
    for fields in ({"preset": "default", "job": {"priority": 9}}, {"job": {"preset": "default", "priority": 9}}):
        assert (await create(http, **fields)).status_code == 201
        said = services.upload.requests[-1]
        assert (said.preset, said.job.priority, said.job.HasField("recipe")) == ("default", 9, False)
    both = problem(await create(http, preset="default", job={"preset": "other"}), 400)
    assert both["errors"][0]["field"] == "job.preset"


async def test_an_upload_without_a_job_says_nothing_of_it(http: httpx2.AsyncClient, services: FakeServices) -> None:
    before = len(services.transcode.checked)
    assert (await create(http)).status_code == 201
    assert not services.upload.requests[-1].HasField("job")
    assert len(services.transcode.checked) == before


async def test_every_way_in_takes_a_job(http: httpx2.AsyncClient, services: FakeServices) -> None:
    text = json.dumps({"priority": 9})
    metadata = {"Tus-Resumable": "1.0.0", "Upload-Metadata": f"job {b64encode(text.encode()).decode()}"}
    answers = [
        await http.post("/v1/uploads/from-url", json={"url": "https://club.example/a.mp4", "job": {"priority": 9}}),
        await http.post("/v1/tus", headers=metadata | {"Upload-Length": "3"}),
        await http.post("/v1/s3/multipart", json={"filename": "a.mp4", "metadata": {"job": {"priority": 9}}}),
        await http.get("/v1/s3/params", params={"filename": "a.mp4", "metadata[job]": text}),
    ]
    assert [answer.status_code for answer in answers] == [202, 201, 200, 200]
    assert [request.job.priority for request in services.upload.requests[-4:]] == [9] * 4


@pytest.mark.parametrize(
    ("job", "field"),
    [
        ({"priority": 101}, "job.priority"),
        ({"asset_id": new_id()}, "job.asset_id"),
        ({"edits": {"trim": {"start": -1}}}, "job.edits.trim.start"),
        ({"outputs": []}, "job.outputs"),
        ({"outputs": [{"kind": "file"}]}, "job.outputs.0.video"),
        ({"callback_url": ""}, "job.callback_url"),
        ("fast", "job"),
    ],
)
async def test_a_wrong_field_of_a_job_is_named(http: httpx2.AsyncClient, job: Any, field: str) -> None:
    body = problem(await create(http, job=job), 400)
    assert (body["code"], body["errors"][0]["field"]) == ("invalid_argument", field)


async def test_text_that_is_no_job_is_refused(http: httpx2.AsyncClient) -> None:
    for text in ("{", "[" * 9000, '{"priority": NaN}'):
        answer = await http.post("/v1/s3/multipart", json={"filename": "a.mp4", "metadata": {"job": text}})
        assert problem(answer, 400)["errors"][0]["field"] == "job"


async def test_what_transcode_refuses_is_said_before_a_byte(http: httpx2.AsyncClient, services: FakeServices) -> None:
    opened = len(services.upload.requests)
    try:
        services.transcode.refusal = NotFound("edit_asset_not_found", "there is no such asset for the intro")
        answer = await create(http, job={"edits": {"intro_asset_id": new_id()}})
        assert problem(answer, 404)["code"] == "edit_asset_not_found"
        fault = FieldError("job.recipe.video[0].rungs", "differ in size")
        services.transcode.refusal = InvalidArgument("invalid_argument", fields=(fault,))
        answer = await create(http, job=JOB)
        assert problem(answer, 400)["errors"] == [{"field": "job.video[0].rungs", "message": "differ in size"}]
    finally:
        services.transcode.refusal = None
    assert problem(await create(http, job=JOB, preset="nonsense"), 400)["code"] == "unknown_preset"
    assert len(services.upload.requests) == opened
