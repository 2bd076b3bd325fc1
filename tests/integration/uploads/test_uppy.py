"""What Uppy's S3 plugin (6.x, companion mode) sends, as it sends it."""

from __future__ import annotations

import json
import random
from typing import TYPE_CHECKING, Any

import httpx2

from tests.integration.uploads.tus import stored

if TYPE_CHECKING:
    from meshkit.objects import Objects

CHUNK = 5 << 20
LONG = random.Random(3).randbytes(2 * CHUNK + 777)


async def begun(http: httpx2.AsyncClient, **metadata: str) -> dict[str, Any]:
    body = {"filename": "final cut.mp4", "metadata": {"name": "final cut.mp4", **metadata}, "type": "video/mp4"}
    answer = await http.post("/v1/s3/multipart", json=body)
    assert answer.status_code == 200, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def put(http: httpx2.AsyncClient, made: dict[str, Any], number: int, body: bytes) -> str:
    """Its ETag."""
    path = f"/v1/s3/multipart/{made['uploadId']}/{number}"
    signed = await http.get(path, params={"key": made["key"]})
    async with httpx2.AsyncClient() as browser:
        answer = await browser.put(signed.json()["url"], content=body)
    assert answer.status_code == 200
    return str(answer.headers["etag"]).strip('"')


async def test_a_large_file_in_parts_of_its_own(http: httpx2.AsyncClient, objects: Objects) -> None:
    made = await begun(http, visibility="public")
    pieces = [LONG[at : at + CHUNK] for at in range(0, len(LONG), CHUNK)]
    etags = [await put(http, made, number, piece) for number, piece in enumerate(pieces, 1)]
    listed = (await http.get(f"/v1/s3/multipart/{made['uploadId']}", params={"key": made["key"]})).json()
    assert [(part["PartNumber"], part["ETag"]) for part in listed] == list(enumerate(etags, 1))
    parts = [{"PartNumber": number, "ETag": etag} for number, etag in enumerate(etags, 1)]
    done = await http.post(f"/v1/s3/multipart/{made['uploadId']}/complete", json={"parts": parts})
    assert (done.status_code, done.json()["key"]) == (200, made["key"])
    upload, body = await stored(http, made["uploadId"], objects)
    assert (upload["state"], upload["size"], upload["visibility"]) == ("completed", len(LONG), "public")
    assert done.json()["location"].endswith(f"/v1/assets/{upload['asset_id']}")
    assert body == LONG


async def test_a_small_file_as_a_form(http: httpx2.AsyncClient, objects: Objects) -> None:
    query = {"filename": "clip.webm", "type": "video/webm", "metadata[passthrough]": "x", "metadata[name]": "clip.webm"}
    told = (await http.get("/v1/s3/params", params=query)).json()
    assert told["method"] == "POST"
    async with httpx2.AsyncClient() as browser:
        answer = await browser.post(told["url"], data=told["fields"], files={"file": LONG})
        assert answer.status_code == 201
        again = await browser.post(told["url"], data=told["fields"] | {"token": "else"}, files={"file": LONG})
        assert again.status_code == 401
    upload, body = await stored(http, told["url"], objects)
    assert (upload["state"], upload["passthrough"], upload["content_type"]) == ("completed", "x", "video/webm")
    assert body == LONG


async def test_many_parts_are_signed_at_once(http: httpx2.AsyncClient) -> None:
    made = await begun(http)
    answer = await http.get(f"/v1/s3/multipart/{made['uploadId']}/batch", params={"partNumbers": "1,2,9"})
    assert set(answer.json()["presignedUrls"]) == {"1", "2", "9"}
    assert (await http.delete(f"/v1/s3/multipart/{made['uploadId']}")).status_code == 200


async def test_what_is_wrong_is_said(http: httpx2.AsyncClient) -> None:
    made = await begun(http)
    path = f"/v1/s3/multipart/{made['uploadId']}"
    etag = await put(http, made, 2, b"x")
    for parts, code in (
        ([{"PartNumber": 2, "ETag": etag}], "parts_missing"),
        ([{"PartNumber": 2, "ETag": "wrong"}], "part_mismatch"),
        ([{"PartNumber": 1, "ETag": etag}, {"PartNumber": 2, "ETag": etag}], "part_mismatch"),
    ):
        answer = await http.post(f"{path}/complete", json={"parts": parts})
        assert (answer.status_code, answer.json()["code"]) == (409, code), json.dumps(parts)
    assert (await http.post(f"{path}/complete", json={"parts": []})).status_code == 400
    assert (await http.get(f"{path}/10001")).status_code == 404
    refused = await http.post("/v1/s3/multipart", json={"filename": "a.exe", "type": ""})
    assert (refused.status_code, refused.json()["code"]) == (415, "unsupported_type")
