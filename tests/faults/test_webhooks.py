"""What webhooks stand on dies in the middle of deliveries; every event arrives, under the one id that it has."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import httpx2
import pytest
from reelmesh.metadata.v1 import metadata_events_pb2, metadata_pb2

from meshkit import outbox
from meshkit.errors import Unavailable
from meshkit.ids import new_id
from meshkit.nats import connected
from tests.eventually import eventually
from tests.receiver import receiving

if TYPE_CHECKING:
    from local.mesh import RunningMesh
    from meshkit.nats import Bus
    from tests.receiver import Call

EVENTS = 60


@pytest.mark.parametrize("victim", ["notify", "nats", "postgres"])
async def test_a_killed_one_loses_no_delivery(victim: str, mesh: RunningMesh) -> None:
    async def slowly(_: Call) -> tuple[int, dict[str, str]]:
        await asyncio.sleep(0.1)
        return 204, {}

    headers = {"Authorization": f"Bearer {mesh.api_key}"}
    async with (
        receiving() as receiver,
        httpx2.AsyncClient(base_url=mesh.url, headers=headers) as http,
        connected(mesh.infra.nats_url, "tests") as bus,
    ):
        receiver.answer = slowly
        made = (await http.post("/v1/webhooks", json={"url": receiver.url, "events": ["asset.ready"]})).json()
        tenant_id = (await http.get("/v1/me")).json()["tenant"]["id"]
        said = {new_id() for _ in range(EVENTS)}
        saying = asyncio.create_task(say_all(bus, tenant_id, said))
        await eventually(lambda: len(receiver.calls) > EVENTS / 6, within=60, every=0.01)
        await mesh.kill(victim)
        if victim != "notify":
            await mesh.start(victim)
        await saying
        await eventually(lambda: {call.id for call in receiver.calls} >= said, within=90)
        for call in receiver.calls:
            assert call.verified(made["secret"])["data"]["passthrough"] == call.id
        await mesh.wait_ready()
        assert (await http.delete(f"/v1/webhooks/{made['id']}")).status_code == 204


async def say_all(bus: Bus, tenant_id: str, event_ids: set[str]) -> None:
    """As a relay does it: until the stream has each of them."""
    for event_id in event_ids:
        asset = metadata_pb2.Asset(id=new_id(), tenant_id=tenant_id, passthrough=event_id)
        asset.update_time.GetCurrentTime()
        fact = metadata_events_pb2.AssetReady(asset=asset)
        subject, headers = outbox.subject_of(fact, asset.id), {outbox.EVENT_ID: event_id}

        while True:
            try:
                await bus.publish(subject, fact.SerializeToString(), headers, new_id())
                break
            except Unavailable:
                await eventually(lambda: bus.client.is_connected, within=60)
