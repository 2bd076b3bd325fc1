"""The same request again is one resource, and another one under its key is refused."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import httpx2
import pytest

from meshkit.ids import new_id
from tests.e2e.journey import sent

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from reelmesh_client import Client

    from local.mesh import RunningMesh
    from tests.clips import Clips

UPLOAD = {"file_name": "a.mp4", "size": 3, "labels": {"b": "1", "a": "2"}}
CASES = [
    ("/v1/uploads", UPLOAD, UPLOAD | {"size": 4}),
    ("/v1/uploads/from-url", {"url": "http://127.0.0.1:9/a.mp4"}, {"url": "http://127.0.0.1:9/b.mp4"}),
    ("/v1/webhooks", {"url": "http://127.0.0.1:9/hook"}, {"url": "http://127.0.0.1:9/another"}),
    ("/v1/api-keys", {"name": "a", "scopes": ["assets:read"]}, {"name": "a", "scopes": ["jobs:read"]}),
]


@pytest.fixture
async def http(mesh: RunningMesh) -> AsyncIterator[httpx2.AsyncClient]:
    headers = {"Authorization": f"Bearer {mesh.api_key}"}
    async with httpx2.AsyncClient(base_url=mesh.url, headers=headers, timeout=20) as client:
        yield client


async def counted_once(http: httpx2.AsyncClient, path: str, said: dict[str, Any], other: dict[str, Any]) -> None:
    """Requests by one key, all at the same time: those that say the same get one resource, the others a refusal."""

    async def ask(body: dict[str, Any], key: str) -> httpx2.Response:
        return await http.post(path, json=body, headers={"Idempotency-Key": key})

    key = new_id()
    first = await ask(said, key)
    assert first.is_success, first.text
    answers = await asyncio.gather(*(ask(said, key) for _ in range(3)), *(ask(other, key) for _ in range(3)))
    assert {answer.json()["id"] for answer in answers[:3]} == {first.json()["id"]}
    assert {(answer.status_code, answer.json()["code"]) for answer in answers[3:]} == {(409, "idempotency_key_reused")}
    # Whoever is first wins, whatever it says.
    key = new_id()
    raced = await asyncio.gather(*(ask(body, key) for body in (said, other) * 3))
    won = [answer.json()["id"] for answer in raced if answer.is_success]
    assert (len(won), len(set(won))) == (3, 1)
    assert {answer.status_code for answer in raced if not answer.is_success} == {409}


@pytest.mark.parametrize(("path", "said", "other"), CASES)
async def test_a_key_counts_once(
    http: httpx2.AsyncClient, path: str, said: dict[str, Any], other: dict[str, Any]
) -> None:
    await counted_once(http, path, said, other)


async def test_a_jobs_key_counts_once(http: httpx2.AsyncClient, client: Client, clips: Clips) -> None:
    asset = await sent(client, clips.barcoded("once.mp4", frames=15))
    said = {"asset_id": asset.id, "callback_url": "http://127.0.0.1:9/over"}
    await counted_once(http, "/v1/jobs", said, said | {"priority": 0})


async def test_a_form_by_the_same_key_is_one_file(http: httpx2.AsyncClient) -> None:
    async def send(body: bytes) -> httpx2.Response:
        files = {"file": ("a.mp4", body, "video/mp4")}
        return await http.post("/v1/uploads/direct", files=files, headers={"Idempotency-Key": key})

    key = new_id()
    first, again = await send(b"abc"), await send(b"abc")
    assert (first.status_code, first.json()["id"]) == (201, again.json()["id"])
    assert (await send(b"abcd")).json()["code"] == "idempotency_key_reused"
