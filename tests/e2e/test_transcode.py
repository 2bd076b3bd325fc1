"""What is to be made of a file, said with the file itself, over the whole mesh."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import av
import httpx2
import pytest
import pytest_asyncio

from local.demo_judge import look_at
from meshkit.ids import new_id
from tests.clips import pictures, real_clip
from tests.eventually import eventually
from tests.receiver import receiving

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from local.mesh import RunningMesh
    from tests.clips import Clips


@pytest_asyncio.fixture(loop_scope="session")
async def http(mesh: RunningMesh) -> AsyncIterator[httpx2.AsyncClient]:
    headers = {"Authorization": f"Bearer {mesh.api_key}"}
    async with httpx2.AsyncClient(base_url=mesh.url, headers=headers, timeout=30, follow_redirects=True) as client:
        yield client


async def made(http: httpx2.AsyncClient, job: dict[str, Any], folder: Path) -> Path:
    """The one file of a job, once that is over."""

    async def over() -> Any:
        now = (await http.get(f"/v1/jobs/{job['id']}")).json()
        assert now.get("state") in {"succeeded", "failed"}, now
        return now

    ended: dict[str, Any] = await eventually(over, within=90) or {}
    assert ended["state"] == "succeeded", ended["error"]

    async def shown() -> str | None:
        # The asset hears of it a moment later.
        answer = await http.get(f"/v1/assets/{job['asset_id']}/playback")
        outputs = answer.json().get("outputs", ())
        return next((each["url"] for each in outputs if each["kind"] == "file"), None)

    url = await eventually(shown, within=30)
    assert url
    file = folder / "made.mp4"
    file.write_bytes((await http.get(url)).content)
    return file


async def test_one_request_brings_a_file_as_asked_for_and_a_call(http: httpx2.AsyncClient, tmp_path: Path) -> None:
    source = real_clip("bigbuckbunny")
    secret = (await http.post("/v1/callback-secret", json={})).json()["secret"]
    async with receiving() as receiver:
        said = {"resolution": "360p", "codec": "hevc", "bitrate": "300k", "callback_url": receiver.url}
        files = {"file": ("bunny.mp4", source.read_bytes(), "video/mp4")}
        answer = await http.post("/v1/transcode", data=said, files=files)
        assert answer.status_code == 202, answer.text
        job = answer.json()
        assert (answer.headers["location"], job["preset"]) == (f"/v1/jobs/{job['id']}", "custom")
        # There it is, from its first moment on.
        assert (await http.get(answer.headers["location"])).json()["asset_id"] == job["asset_id"]
        file = await made(http, job, tmp_path)
        [call] = await eventually(lambda: receiver.calls, within=30)
        event = call.verified(secret)
    assert (event["type"], event["data"]["id"]) == ("job.succeeded", job["id"])
    with av.open(file) as container:
        assert container.streams.video[0].codec_context.name == "hevc"
    picture, before = look_at(file).picture, look_at(source).picture
    assert picture
    assert before
    assert (picture.width, picture.height, picture.frames) == (640, 360, before.frames)
    assert picture.constant
    assert picture.monotonic


async def test_an_upload_is_made_into_what_it_said(http: httpx2.AsyncClient, clips: Clips, tmp_path: Path) -> None:
    body = clips.barcoded("said.mp4", frames=120).read_bytes()
    wanted = {
        "outputs": [{"container": "mp4", "video": {"codec": "h264"}}],
        "edits": {"trim": {"start": 1, "end": 3}},
        "priority": 90,
    }
    opened = (await http.post("/v1/uploads", json={"file_name": "said.mp4", "size": len(body), "job": wanted})).json()
    async with httpx2.AsyncClient() as store:
        assert (await store.put(opened["parts"][0]["url"], content=body)).is_success
    upload = (await http.post(f"/v1/uploads/{opened['id']}/complete")).json()
    job = {"id": upload["job_id"], "asset_id": upload["asset_id"]}
    file = await made(http, job, tmp_path)
    assert [picture.number for picture in pictures(file)] == list(range(30, 90))
    told = (await http.get(f"/v1/jobs/{job['id']}")).json()
    assert (told["priority"], told["preset"], told["edits"]["trim"]["start"]) == (90, "custom", 1)
    foreign = {"edits": {"intro_asset_id": new_id()}}
    refused = await http.post("/v1/uploads", json={"file_name": "a.mp4", "size": 1, "job": foreign})
    assert (refused.status_code, refused.json()["code"]) == (404, "edit_asset_not_found")


@pytest.mark.parametrize("url", ["http://10.0.0.1/over", "http://[::ffff:169.254.169.254]/"])
async def test_nothing_inside_is_called_back(http: httpx2.AsyncClient, url: str) -> None:
    wanted = {"file_name": "a.mp4", "size": 1, "job": {"callback_url": url}}
    answers = {
        "job.callback_url": await http.post("/v1/uploads", json=wanted),
        "callback_url": await http.post("/v1/transcode", data={"callback_url": url}, files={"file": ("a.mp4", b"a")}),
    }
    for field, answer in answers.items():
        assert (answer.status_code, answer.json()["code"]) == (400, "url_not_allowed")
        assert [each["field"] for each in answer.json()["errors"]] == [field]
