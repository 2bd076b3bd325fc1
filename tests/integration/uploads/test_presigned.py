"""Presigned parts, from the first request to the object, and what a client can do wrong on the way."""

from __future__ import annotations

import asyncio
import random
from typing import TYPE_CHECKING, Any

import httpx2
import pytest

from tests.integration.uploads.tus import stored

if TYPE_CHECKING:
    from meshkit.objects import Objects

PART = 16 << 20
LONG = random.Random(4).randbytes(PART + 99)


async def opened(http: httpx2.AsyncClient, size: int, **fields: Any) -> dict[str, Any]:
    answer = await http.post("/v1/uploads", json={"file_name": "a.mp4", "size": size} | fields)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def put(part: dict[str, Any], body: bytes) -> httpx2.Response:
    async with httpx2.AsyncClient() as store:
        return await store.put(part["url"], content=body, headers=part["headers"])


async def completed(http: httpx2.AsyncClient, upload: dict[str, Any], *parts: tuple[int, str]) -> tuple[int, str]:
    body = {"parts": [{"part_number": number, "etag": etag} for number, etag in parts]}
    answer = await http.post(f"/v1/uploads/{upload['id']}/complete", json=body)
    return answer.status_code, answer.json().get("code") or answer.json()["state"]


async def test_a_client_that_comes_back_sends_what_is_missing(http: httpx2.AsyncClient, objects: Objects) -> None:
    upload = await opened(http, len(LONG))
    assert (await put(upload["parts"][1], LONG[PART:])).status_code == 200
    received = (await http.get(f"/v1/uploads/{upload['id']}/parts")).json()["parts"]
    assert [(part["part_number"], part["size"]) for part in received] == [(2, 99)]
    signed = await http.post(f"/v1/uploads/{upload['id']}/parts", json={"part_numbers": [1]})
    assert (await put(signed.json()["parts"][0], LONG[:PART])).status_code == 200
    outcomes = await asyncio.gather(*[completed(http, upload) for _ in range(5)])
    assert set(outcomes) == {(202, "completed")}
    assert await stored(http, upload["id"], objects) == ((await http.get(f"/v1/uploads/{upload['id']}")).json(), LONG)
    assert (await http.delete(f"/v1/uploads/{upload['id']}")).json()["code"] == "upload_completed"


async def test_parts_of_a_wrong_size_are_refused_by_the_store(http: httpx2.AsyncClient) -> None:
    upload = await opened(http, 10)
    for body in (b"", b"123456789", b"12345678901"):
        async with httpx2.AsyncClient() as store:
            assert (await store.put(upload["parts"][0]["url"], content=body)).status_code == 403


async def test_what_is_not_there_or_another_part_is_named(http: httpx2.AsyncClient) -> None:
    upload = await opened(http, len(LONG))
    assert await completed(http, upload) == (409, "parts_missing")
    etags = [
        (await put(part, body)).headers["etag"]
        for part, body in zip(upload["parts"], (LONG[:PART], LONG[PART:]), strict=True)
    ]
    assert await completed(http, upload, (1, "wrong"), (2, etags[1])) == (409, "part_mismatch")
    assert await completed(http, upload, (1, etags[1]), (2, etags[0])) == (409, "part_mismatch")
    assert await completed(http, upload, (3, etags[0])) == (409, "part_mismatch")
    assert await completed(http, upload, (0, etags[0])) == (400, "invalid_argument")
    # Named from the last to the first, they are still the parts that they are.
    assert await completed(http, upload, (2, etags[1]), (1, etags[0])) == (202, "completed")
    assert await completed(http, upload, (1, "whatever")) == (202, "completed")


async def test_an_aborted_upload_takes_nothing_more(http: httpx2.AsyncClient) -> None:
    upload = await opened(http, 3)
    assert (await put(upload["parts"][0], b"abc")).status_code == 200
    for _ in range(2):
        assert (await http.delete(f"/v1/uploads/{upload['id']}")).status_code == 204
    assert await completed(http, upload) == (409, "upload_aborted")
    refused = await http.post(f"/v1/uploads/{upload['id']}/parts", json={"part_numbers": [1]})
    assert (refused.status_code, refused.json()["code"]) == (409, "upload_aborted")
    assert (await http.get(f"/v1/uploads/{upload['id']}/parts")).json()["code"] == "upload_aborted"
    assert (await put(upload["parts"][0], b"abc")).status_code == 404


async def test_an_empty_file_is_an_upload_too(http: httpx2.AsyncClient, objects: Objects) -> None:
    upload = await opened(http, 0)
    assert (await put(upload["parts"][0], b"")).status_code == 200
    assert await completed(http, upload) == (202, "completed")
    assert (await stored(http, upload["id"], objects))[1] == b""


@pytest.mark.parametrize("name", ["матч.mp4", "試合 最終.mov", "مباراة.mkv", "x" * 251 + ".mp4", "a🏀.webm"])
async def test_names_of_any_script_are_kept(http: httpx2.AsyncClient, name: str) -> None:
    assert (await opened(http, 1, file_name=name))["file_name"] == name


@pytest.mark.parametrize(
    ("fields", "status", "code"),
    [
        ({"size": 6 << 30}, 413, "too_large"),
        ({"size": (1 << 63) - 1}, 413, "too_large"),
        ({"size": 1 << 63}, 400, "invalid_argument"),
        ({"size": 10**400}, 400, "invalid_argument"),
        ({"size": -1}, 400, "invalid_argument"),
        ({"size": 1.5}, 400, "invalid_argument"),
        ({"size": None}, 400, "invalid_argument"),
        ({"file_name": "../../etc/passwd.mp4"}, 400, "invalid_file_name"),
        ({"file_name": "a\\b.mp4"}, 400, "invalid_file_name"),
        ({"file_name": "a\nb.mp4"}, 400, "invalid_file_name"),
        ({"file_name": "a\x00b.mp4"}, 400, "invalid_argument"),
        ({"file_name": "x" * 1000}, 400, "invalid_argument"),
        ({"file_name": "a.exe"}, 415, "unsupported_type"),
        ({"content_type": "application/pdf"}, 415, "unsupported_type"),
        ({"colour": "red"}, 400, "invalid_argument"),
    ],
)
async def test_what_is_wrong_is_said(http: httpx2.AsyncClient, fields: dict[str, Any], status: int, code: str) -> None:
    answer = await http.post("/v1/uploads", json={"file_name": "a.mp4", "size": 3} | fields)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("numbers", [[], [0], [-1], [2], [10_001], [1 << 80], ["x"], [1.5], list(range(1, 1002))])
async def test_parts_that_there_cannot_be_are_not_signed(http: httpx2.AsyncClient, numbers: list[Any]) -> None:
    upload = await opened(http, 3)
    answer = await http.post(f"/v1/uploads/{upload['id']}/parts", json={"part_numbers": numbers})
    assert answer.status_code == 400
    assert answer.json()["code"] in {"invalid_argument", "invalid_part_number"}
