"""Edits over the whole mesh: a player gets the frames and the sound that were asked for."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import httpx2
import pytest_asyncio

from local.demo_player import play
from tests.clips import beeps, pictures
from tests.e2e.journey import sent
from tests.eventually import eventually

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from reelmesh_client import Client

    from local.mesh import RunningMesh
    from tests.clips import Clips


@pytest_asyncio.fixture(loop_scope="session")
async def http(mesh: RunningMesh) -> AsyncIterator[httpx2.AsyncClient]:
    headers = {"Authorization": f"Bearer {mesh.api_key}"}
    async with httpx2.AsyncClient(base_url=mesh.url, headers=headers, timeout=30) as client:
        yield client


async def ended(http: httpx2.AsyncClient, job_id: str) -> dict[str, Any]:
    async def over() -> Any:
        job = (await http.get(f"/v1/jobs/{job_id}")).json()
        assert job["state"] in {"succeeded", "failed"}, job
        return job

    job: dict[str, Any] = await eventually(over, within=60)
    return job


async def test_an_edited_video_plays_as_asked(
    http: httpx2.AsyncClient, client: Client, clips: Clips, tmp_path: Path
) -> None:
    intro = await sent(client, clips.barcoded("intro.mp4", frames=45, audio=None))
    own = await sent(client, clips.barcoded("edited.mp4", frames=150))
    edits = {"trim": {"start": 1.5, "end": 4}, "intro_asset_id": intro.id}
    queued = await http.post("/v1/jobs", json={"asset_id": own.id, "edits": edits})
    assert queued.status_code == 202, queued.text
    job = await ended(http, queued.json()["id"])
    assert (job["state"], job["edits"]["trim"]["end"]) == ("succeeded", 4)
    url = (await asyncio.to_thread(client.playback, own.id)).hls_url
    assert url
    played = await asyncio.to_thread(play, url, tmp_path)
    shown = pictures(played.video)
    assert [picture.number for picture in shown] == [*range(45), *range(45, 120)]
    assert played.audio
    flashes = [float(picture.time) for picture in shown[45:] if picture.flash]
    heard = beeps(played.audio)
    assert len(flashes) == len(heard) == 2
    assert all(abs(flash - beep) <= 0.02 for flash, beep in zip(flashes, heard, strict=True)), (flashes, heard)
