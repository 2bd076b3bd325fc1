"""An analysis over the whole mesh: what was put into a source is told of its stream, which is ready before."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx2
import pytest

from tests.e2e.journey import sent
from tests.eventually import eventually

if TYPE_CHECKING:
    from reelmesh_client import Client

    from local.mesh import RunningMesh
    from tests.clips import Clips

FRAME = 1 / 30
# Black over the join of the first two chunks, at 4 s, and something that stands still over the next, at 8 s.
_SCENES = (
    "testsrc2=s=320x180:r=30:d=3.5[a];color=black:s=320x180:r=30:d=1[b];testsrc2=s=320x180:r=30:d=2.5,negate[c];"
    "smptebars=s=320x180:r=30:d=2[d];testsrc2=s=320x180:r=30:d=3,hue=h=90[e];[a][b][c][d][e]concat=n=5[v]"
)
_X264 = ("-c:v", "libx264", "-preset", "ultrafast", "-crf", "14", "-g", "60", "-pix_fmt", "yuv420p")


async def test_a_stream_is_told_of(mesh: RunningMesh, client: Client, clips: Clips) -> None:
    tone = ("-f", "lavfi", "-i", "sine=f=997:r=48000:d=12")
    clip = clips.made(
        "told.mp4", *tone, "-filter_complex", _SCENES, "-map", "[v]", "-map", "0:a", *_X264, "-c:a", "aac"
    )
    headers = {"Authorization": f"Bearer {mesh.api_key}"}
    async with httpx2.AsyncClient(base_url=mesh.url, headers=headers, timeout=30, follow_redirects=True) as http:
        video = [{"codec": "h264", "rungs": [{"short_side": 144}, {"short_side": 96}]}]
        preset = {"video": video, "audio": {"codec": "aac"}, "stream": True, "analysis": True}
        assert (await http.put("/v1/presets/told", json=preset)).status_code == 201
        asset = await sent(client, clip, preset="told")
        assert asset.state == "ready"
        [job] = (await http.get("/v1/jobs", params={"asset_id": asset.id})).json()["items"]

        async def over() -> Any:
            now = (await http.get(f"/v1/jobs/{job['id']}")).json()
            assert now["state"] == "succeeded", now
            return now

        done = await eventually(over, within=60)
        [stage] = [each for each in done["stages"] if each["name"] == "analysis"]
        assert (stage["state"], stage["tasks_total"], stage["tasks_done"]) == ("succeeded", 4, 4)
        assert done["analysis"] == {"vmaf": True}

        async def listed() -> Any:
            outputs = (await http.get(f"/v1/assets/{asset.id}/playback")).json()["outputs"]
            [output] = [each for each in outputs if each["name"] == "analysis.json"]
            assert (output["kind"], output["state"]) == ("file", "ready")
            return output

        answer = await http.get((await eventually(listed))["url"])
    assert answer.headers["content-type"] == "application/json"
    told = answer.json()
    assert (told["version"], told["video"]["frames"]) == (1, 360)
    assert [cut["time"] for cut in told["video"]["scene_cuts"]] == pytest.approx([3.5, 4.5, 7, 9], abs=FRAME + 1e-6)
    [black] = told["video"]["black"]
    assert (black["start"], black["end"]) == pytest.approx((3.5, 4.5), abs=FRAME + 1e-6)
    assert told["video"]["frozen"][-1] == pytest.approx({"start": 7, "end": 9}, abs=FRAME + 1e-6)
    assert [each["frames"] for each in told["vmaf"]["renditions"]] == [70, 70]
    assert told["vmaf"]["renditions"][0]["mean"] > told["vmaf"]["renditions"][1]["mean"] > 0
    assert told["audio"]["loudness"]["output"]["integrated_lufs"] == pytest.approx(-23, abs=0.5)
