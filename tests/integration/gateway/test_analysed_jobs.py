"""Jobs and presets that ask for an analysis, over HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from meshkit.ids import new_id

if TYPE_CHECKING:
    import httpx2

    from tests.fakes.gateway import FakeServices


@pytest.mark.parametrize(
    ("asked", "vmaf"), [(True, True), ({}, True), ({"vmaf": False}, False), (False, None), (None, None)]
)
async def test_a_job_asks_for_an_analysis(
    http: httpx2.AsyncClient, services: FakeServices, asked: Any, vmaf: bool | None
) -> None:
    answer = await http.post("/v1/jobs", json={"asset_id": new_id(), "analysis": asked})
    assert answer.status_code == 202, answer.text
    said = services.transcode.requests[-1]
    assert said.HasField("analysis") is (asked is not None)
    assert said.analysis.off is (asked is False)
    if vmaf is not None:
        assert answer.json()["analysis"] == {"vmaf": vmaf}


@pytest.mark.parametrize("asked", ["often", {"psnr": True}, {"vmaf": "often"}])
async def test_an_analysis_that_cannot_be(http: httpx2.AsyncClient, asked: Any) -> None:
    assert (await http.post("/v1/jobs", json={"asset_id": new_id(), "analysis": asked})).status_code == 400


@pytest.mark.parametrize(
    ("asked", "shown"), [(True, {"vmaf": True}), ({"vmaf": False}, {"vmaf": False}), (False, None), (None, None)]
)
async def test_a_preset_says_whether_its_jobs_are_analysed(http: httpx2.AsyncClient, asked: Any, shown: Any) -> None:
    body = {"video": [{"codec": "h264", "rungs": [{"short_side": 144}]}], "analysis": asked}
    put = await http.put("/v1/presets/told", json=body)
    assert put.json()["analysis"] == shown, put.text
    assert (await http.get("/v1/presets/told")).json()["analysis"] == shown
    assert (await http.delete("/v1/presets/told")).status_code == 204
