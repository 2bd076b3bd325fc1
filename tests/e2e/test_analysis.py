"""A tenant's own service says something of every upload, and spoils none."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import httpx2
from reelmesh_client import Client

from tests.e2e.journey import sent
from tests.e2e.test_tenancy import by, got, signed_up
from tests.eventually import eventually
from tests.receiver import receiving

if TYPE_CHECKING:
    from local.mesh import RunningMesh
    from tests.clips import Clips
    from tests.receiver import Call

WITHIN = 60.0


async def test_an_upload_has_the_answer_of_its_service_or_the_error(mesh: RunningMesh, clips: Clips) -> None:
    clip = clips.barcoded("analysed.mp4", frames=30)
    bytes_ = await asyncio.to_thread(clip.read_bytes)
    async with httpx2.AsyncClient(base_url=mesh.url, timeout=WITHIN) as http, receiving() as service:

        async def look(call: Call) -> tuple[int, dict[str, str]]:
            source = call.verified(secret)["data"]["source"]["url"]
            same = (await http.get(source)).content == bytes_
            return (200 if same and len(service.calls) == 1 else 422), {"content-type": "application/json"}

        service.answer, service.body = look, b'{"goals":[0.5]}'
        owner = await signed_up(http)
        made = await http.put("/v1/analysis-hook", json={"url": service.url}, headers=by(owner))
        secret = made.json()["secret"]
        with Client(mesh.url, owner) as client:
            first, second = await sent(client, clip), await sent(client, clip)
        assert (first.state, second.state) == ("ready", "ready")

        async def analysed(asset_id: str) -> dict[str, Any] | None:
            shown = (await got(http, f"/v1/assets/{asset_id}", owner))["analysis"]
            return shown if shown and shown["state"] != "pending" else None

        answered = await eventually(lambda: analysed(first.id), within=WITHIN)
        refused = await eventually(lambda: analysed(second.id), within=WITHIN)
    assert answered is not None
    assert refused is not None
    assert (answered["state"], answered["answer"], answered["error"]) == ("ready", {"goals": [0.5]}, None)
    assert (refused["state"], refused["answer"], refused["error"]["code"]) == ("errored", None, "http_422")
