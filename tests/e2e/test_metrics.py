"""A mesh at work exports every metric of the list and no other of ours, and all that dashboards and alerts ask for."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import httpx2

from meshkit import instruments
from tests.e2e.exported import exported, labels, series_of
from tests.e2e.journey import sent
from tests.eventually import eventually
from tests.queries import asked
from tests.receiver import receiving

if TYPE_CHECKING:
    from pathlib import Path

    from reelmesh_client import Client

    from local.mesh import RunningMesh
    from tests.clips import Clips

OURS = re.compile(r"reelmesh_|rpc_|http_")
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-")
BY_PROMETHEUS = {"job", "instance", "le"}
"""Labels that no process gives to all its series."""
SUFFIX = re.compile(r"_(?:bucket|sum|count)$")


async def test_a_mesh_exports_what_is_told(mesh: RunningMesh, client: Client, clips: Clips, tmp_path: Path) -> None:
    await work(mesh, client, clips, tmp_path)
    wanted = {series_of(each) for each in instruments.ALL}

    async def all_there() -> bool:
        return not wanted - set(await exported(mesh))

    assert await eventually(all_there, within=30)
    series = await exported(mesh)
    known = {SUFFIX.sub("", name) for name in wanted}
    told = {SUFFIX.sub("", name) for name in series if OURS.match(name) and not name.endswith("_created")}
    assert told == known
    for each in instruments.ALL:
        assert all(set(found) == labels(each) for found in series[series_of(each)]), each.name
    values = {value for found in series.values() for each in found for value in each.values()}
    assert not [value for value in values if UUID.search(value)]
    for query in asked():
        assert not query.names - set(series), query.text
        has = {label for name in query.names for found in series[name] for label in found}
        assert not query.labels - has - BY_PROMETHEUS, query.text


async def work(mesh: RunningMesh, client: Client, clips: Clips, folder: Path) -> None:
    """One video that becomes a stream and one that is none, with somebody to tell."""
    text = folder / "no.mp4"
    text.write_text("no video")
    headers = {"Authorization": f"Bearer {mesh.api_key}"}
    async with receiving() as receiver, httpx2.AsyncClient(base_url=mesh.url, headers=headers) as http:
        made = await http.post("/v1/webhooks", json={"url": receiver.url})
        made.raise_for_status()
        assert (await sent(client, clips.barcoded("measured.mp4", frames=54))).state == "ready"
        assert (await sent(client, text)).state == "failed"
        await eventually(lambda: receiver.calls, within=30)
        (await http.delete(f"/v1/webhooks/{made.json()['id']}")).raise_for_status()
