"""Jobs, presets and the caller over HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from reelmesh.transcode.v1 import transcode_pb2

from meshkit.ids import new_id

if TYPE_CHECKING:
    import httpx2

    from tests.fakes.gateway import FakeServices


async def test_a_job_is_queued_listed_and_cancelled(http: httpx2.AsyncClient, services: FakeServices) -> None:
    asset_id = new_id()
    headers = {"Idempotency-Key": "again"}
    answer = await http.post("/v1/jobs", json={"asset_id": asset_id, "preset": "web", "priority": 80}, headers=headers)
    job = answer.json()
    assert (answer.status_code, answer.headers["location"]) == (202, f"/v1/jobs/{job['id']}")
    assert (job["state"], job["priority"], job["preset"]) == ("queued", 80, "web")
    assert job["stages"] == [{"name": "probe", "state": "pending", "tasks_total": 1, "tasks_done": 0}]
    assert services.transcode.requests[-1].request_id == "again"

    listed = (await http.get("/v1/jobs", params={"state": "queued", "asset_id": asset_id})).json()
    assert [each["id"] for each in listed["items"]] == [job["id"]]
    assert services.transcode.requests[-1].asset_id == asset_id

    cancelled = await http.post(f"/v1/jobs/{job['id']}/cancel")
    assert (cancelled.status_code, cancelled.json()["state"]) == (200, "cancelled")
    assert (await http.get(f"/v1/jobs/{job['id']}")).json()["state"] == "cancelled"
    assert (await http.post(f"/v1/jobs/{job['id']}/cancel")).status_code == 409


async def test_a_failed_job_is_begun_again(http: httpx2.AsyncClient, services: FakeServices) -> None:
    job = (await http.post("/v1/jobs", json={"asset_id": new_id(), "priority": 0})).json()
    assert job["priority"] == 0
    assert services.transcode.requests[-1].HasField("priority")
    assert (await http.post(f"/v1/jobs/{job['id']}/retry")).status_code == 409
    services.transcode.rows[job["id"]].state = transcode_pb2.Job.STATE_FAILED
    answer = await http.post(f"/v1/jobs/{job['id']}/retry")
    assert (answer.status_code, answer.headers["location"]) == (202, f"/v1/jobs/{job['id']}")
    assert (answer.json()["state"], answer.json()["eta_seconds"]) == ("queued", None)
    assert (await http.post(f"/v1/jobs/{new_id()}/retry")).status_code == 404


async def test_an_owner_sees_what_was_run(http: httpx2.AsyncClient) -> None:
    job = (await http.post("/v1/jobs", json={"asset_id": new_id()})).json()
    [made] = (await http.get(f"/v1/jobs/{job['id']}/attempts")).json()["items"]
    assert (made["outcome"], made["log"], made["error_code"], made["worker_id"]) == ("failed", "no", None, None)
    assert (await http.get(f"/v1/jobs/{new_id()}/attempts")).status_code == 404


@pytest.mark.parametrize(
    "body", [{}, {"asset_id": "x"}, {"asset_id": new_id(), "priority": 101}, {"asset_id": new_id(), "crop": {}}]
)
async def test_a_job_that_cannot_be(http: httpx2.AsyncClient, body: dict[str, object]) -> None:
    assert (await http.post("/v1/jobs", json=body)).status_code == 400


async def test_edits_are_handed_on_and_shown(http: httpx2.AsyncClient, services: FakeServices) -> None:
    image, video = new_id(), new_id()
    edits = {
        "trim": {"start": 1.5, "end": 4},
        "crop": {"width": 640, "height": 360},
        "mute": False,
        "watermark": {"asset_id": image, "opacity": 0.5},
        "intro_asset_id": video,
    }
    answer = await http.post("/v1/jobs", json={"asset_id": new_id(), "edits": edits})
    assert answer.status_code == 202
    assert answer.json()["edits"] == {
        "trim": {"start": 1.5, "end": 4.0, "max_duration": None},
        "crop": {"x": 0, "y": 0, "width": 640, "height": 360},
        "mute": False,
        "watermark": {"asset_id": image, "position": "bottom-right", "scale": 0.15, "opacity": 0.5},
        "intro_asset_id": video,
        "outro_asset_id": None,
    }
    said = services.transcode.requests[-1].edits
    assert (said.trim.end, said.HasField("mute"), said.watermark.asset_id) == (4, True, image)
    plain = await http.post("/v1/jobs", json={"asset_id": new_id(), "edits": {}})
    assert (plain.status_code, plain.json()["edits"]) == (202, None)


@pytest.mark.parametrize(
    "edits",
    [
        {"trim": {"start": 3, "end": 2}},
        {"trim": {"start": -1}},
        {"crop": {"x": 1, "y": 1, "width": 0, "height": 100}},
        {"watermark": {"asset_id": "x"}},
        {"watermark": {"asset_id": "0" * 36, "opacity": 2}},
        {"intro_asset_id": ""},
        {"speed": 2},
    ],
)
async def test_edits_that_cannot_be(http: httpx2.AsyncClient, edits: dict[str, object]) -> None:
    answer = await http.post("/v1/jobs", json={"asset_id": new_id(), "edits": edits})
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["field"].startswith("edits")


async def test_an_unknown_job_is_not_found(http: httpx2.AsyncClient) -> None:
    assert (await http.get(f"/v1/jobs/{new_id()}")).status_code == 404
    assert (await http.post(f"/v1/jobs/{new_id()}/cancel")).status_code == 404


async def test_callers_see_who_they_are(http: httpx2.AsyncClient, tenant: str) -> None:
    me = (await http.get("/v1/me")).json()
    assert (me["tenant"]["id"], me["tenant"]["name"]) == (tenant, "club")
    assert "assets:read" in me["scopes"]
    assert me["subject"]
