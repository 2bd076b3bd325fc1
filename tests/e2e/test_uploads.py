"""Ways in over the whole mesh: how far a file is, and whether it is the one that was declared."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

import httpx2
import pytest_asyncio

from tests.eventually import eventually

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from local.mesh import RunningMesh
    from tests.clips import Clips

TUS = {"Tus-Resumable": "1.0.0"}


@pytest_asyncio.fixture(loop_scope="session")
async def http(mesh: RunningMesh) -> AsyncIterator[httpx2.AsyncClient]:
    headers = {"Authorization": f"Bearer {mesh.api_key}"}
    async with httpx2.AsyncClient(base_url=mesh.url, headers=headers, timeout=30) as client:
        yield client


async def told(http: httpx2.AsyncClient, asset_id: str, until: str) -> list[tuple[str, dict[str, Any]]]:
    """Every event of the asset up to the first of the type `until`."""
    events: list[tuple[str, dict[str, Any]]] = []
    query, since = {"asset_id": asset_id}, {"Last-Event-ID": "0"}
    async with http.stream("GET", "/v1/events", params=query, headers=since) as answer:
        async for event in httpx2.EventSource(answer):
            if event.event and event.data:
                events.append((event.event, json.loads(event.data)["data"]))
                if event.event == until:
                    return events
    return events


async def test_a_file_by_tus_is_told_of_on_its_way(http: httpx2.AsyncClient, clips: Clips) -> None:
    body = clips.barcoded("tus.mp4", frames=30).read_bytes()
    made = await http.post("/v1/tus", headers={**TUS, "Upload-Length": str(len(body)), "Upload-Metadata": ""})
    path = made.headers["location"]
    headers = {**TUS, "Content-Type": "application/offset+octet-stream"}
    for start, end in ((0, 1000), (1000, len(body))):
        answer = await http.patch(path, content=body[start:end], headers=headers | {"Upload-Offset": str(start)})
        assert answer.status_code == 204
    upload = (await http.get(f"/v1/uploads/{path.rpartition('/')[2]}")).json()
    events = await told(http, upload["asset_id"], "asset.ready")
    kinds = [kind for kind, _ in events]
    assert kinds.index("upload.progress") < kinds.index("upload.completed") < kinds.index("asset.created")
    first = events[kinds.index("upload.progress")][1]
    assert (first["state"], first["received"], first["size"]) == ("receiving", 1000, len(body))


async def test_parts_that_pass_us_by_are_told_of_too(http: httpx2.AsyncClient) -> None:
    made = (await http.post("/v1/uploads", json={"file_name": "a.mp4", "size": (16 << 20) + 5})).json()
    async with httpx2.AsyncClient() as store:
        await store.put(made["parts"][1]["url"], content=b"12345")

    async def seen() -> bool:
        return bool((await http.get(f"/v1/uploads/{made['id']}")).json()["received"] == 5)

    assert await eventually(seen)
    events = await told(http, made["asset_id"], "upload.progress")
    assert events[-1][1]["received"] == 5
    assert (await http.delete(f"/v1/uploads/{made['id']}")).status_code == 204


async def test_another_file_than_the_declared_one_fails(http: httpx2.AsyncClient, clips: Clips) -> None:
    body = clips.barcoded("sum.mp4", frames=30).read_bytes()
    right = hashlib.sha256(body).hexdigest()
    for sha256, state in ((right, "ready"), ("0" * 64, "failed")):
        answer = await http.post(
            "/v1/uploads/direct", data={"sha256": sha256}, files={"file": ("sum.mp4", body, "video/mp4")}
        )
        upload = answer.json()
        kind, asset = (await told(http, upload["asset_id"], f"asset.{state}"))[-1]
        assert (kind, asset["state"]) == (f"asset.{state}", state)
        if state == "ready":
            assert asset["sha256"] == right
            continue
        assert asset["error"]["code"] == "checksum_mismatch"
        failed = (await told(http, upload["asset_id"], "upload.failed"))[-1][1]
        assert (failed["state"], failed["error"]["code"]) == ("failed", "checksum_mismatch")
