"""Uploads over HTTP."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from meshkit.ids import new_id

if TYPE_CHECKING:
    import httpx2

    from tests.fakes.gateway import FakeServices


async def create(http: httpx2.AsyncClient, **fields: Any) -> dict[str, Any]:
    answer = await http.post("/v1/uploads", json={"file_name": "a.mp4", "size": 3} | fields)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def test_an_upload_is_opened_with_its_first_parts(http: httpx2.AsyncClient, services: FakeServices) -> None:
    body = {"file_name": "final.mp4", "size": 3, "sha256": "AB" * 32, "labels": {"match_id": "42"}}
    answer = await http.post("/v1/uploads", json=body | {"visibility": "public", "content_type": "video/mp4"})
    assert answer.status_code == 201
    made = answer.json()
    assert answer.headers["location"] == f"/v1/uploads/{made['id']}"
    assert made["state"] == "receiving"
    url = "http://s3/part?number=1&signature=of-1"
    assert made["parts"] == [{"part_number": 1, "url": url, "headers": {"Content-Length": "3"}}]
    assert (made["labels"], made["visibility"], made["error"]) == ({"match_id": "42"}, "public", None)
    assert services.upload.requests[-1].sha256 == "ab" * 32


async def test_the_same_idempotency_key_is_the_same_upload(http: httpx2.AsyncClient) -> None:
    made = [
        await http.post("/v1/uploads", json={"file_name": "a", "size": 1}, headers={"Idempotency-Key": "k1"})
        for _ in range(2)
    ]
    assert made[0].json()["id"] == made[1].json()["id"]


async def test_a_preset_that_is_not_there_is_refused_at_once(http: httpx2.AsyncClient) -> None:
    answer = await http.post("/v1/uploads", json={"file_name": "a.mp4", "size": 3, "preset": "nonsense"})
    assert (answer.status_code, answer.json()["code"]) == (400, "unknown_preset")
    assert answer.json()["errors"][0]["field"] == "preset"
    await create(http, preset="default")


async def test_uploads_are_listed_in_pages(http: httpx2.AsyncClient) -> None:
    made = [(await create(http))["id"] for _ in range(3)]
    first = (await http.get("/v1/uploads", params={"page_size": 2})).json()
    rest = (await http.get("/v1/uploads", params={"page_size": 2, "page_token": first["next_page_token"]})).json()
    assert [each["id"] for each in first["items"] + rest["items"]] == made[::-1]
    assert rest["next_page_token"] is None


async def test_parts_are_signed_and_listed(http: httpx2.AsyncClient) -> None:
    upload = await create(http)
    signed = await http.post(f"/v1/uploads/{upload['id']}/parts", json={"part_numbers": [1, 7]})
    assert signed.json() == {
        "parts": [
            {"part_number": number, "url": f"http://s3/part?number={number}&signature=of-{number}", "headers": {}}
            for number in (1, 7)
        ]
    }
    received = await http.get(f"/v1/uploads/{upload['id']}/parts")
    assert received.json() == {"parts": [{"part_number": 1, "etag": "e", "size": 3}]}


@pytest.mark.parametrize("body", [None, {}, {"parts": [{"part_number": 1, "etag": '"e"'}]}])
async def test_completing_names_the_asset(
    http: httpx2.AsyncClient, services: FakeServices, body: dict[str, Any] | None
) -> None:
    upload = await create(http)
    answer = await http.post(f"/v1/uploads/{upload['id']}/complete", json=body)
    assert answer.status_code == 202
    assert answer.json()["state"] == "completed"
    assert answer.headers["location"] == f"/v1/assets/{upload['asset_id']}"
    assert upload["job_id"] is None
    assert answer.json()["job_id"]
    assert len(services.upload.requests[-1].parts) == len((body or {}).get("parts", []))


async def test_an_aborted_upload_cannot_complete(http: httpx2.AsyncClient) -> None:
    upload = await create(http)
    assert (await http.delete(f"/v1/uploads/{upload['id']}")).status_code == 204
    assert (await http.get(f"/v1/uploads/{upload['id']}")).json()["state"] == "aborted"
    refused = await http.post(f"/v1/uploads/{upload['id']}/complete")
    assert (refused.status_code, refused.json()["code"]) == (409, "upload_aborted")


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"size": -1}, "size"),
        ({"size": 1 << 64}, "size"),
        ({"file_name": ""}, "file_name"),
        ({"file_name": "a\0b"}, "file_name"),
        ({"file_name": "\ud800"}, "file_name"),
        ({"content_type": "video/mp4\r\nx: y"}, "content_type"),
        ({"sha256": "no"}, "sha256"),
        ({"labels": {"x": []}}, "labels.x"),
        ({"visibility": "secret"}, "visibility"),
        ({"colour": "red"}, "colour"),
    ],
)
async def test_a_wrong_field_is_named(http: httpx2.AsyncClient, wrong: dict[str, Any], field: str) -> None:
    body = json.dumps({"file_name": "a.mp4", "size": 3} | wrong)
    answer = await http.post("/v1/uploads", content=body, headers={"Content-Type": "application/json"})
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (400, "invalid_argument")
    assert [each["field"] for each in problem["errors"]] == [field]


async def test_what_a_service_finds_wrong_is_named_too(http: httpx2.AsyncClient) -> None:
    answer = await http.post("/v1/uploads", json={"file_name": "a.mp4", "size": 3, "labels": {"": "x"}})
    assert answer.status_code == 400
    assert answer.json()["errors"]


async def test_an_unknown_upload_is_not_found(http: httpx2.AsyncClient) -> None:
    for name in (new_id(), "nonsense"):
        answer = await http.get(f"/v1/uploads/{name}")
        assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")
