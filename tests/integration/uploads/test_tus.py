"""tus through the gateway: whatever happens on the way, the bytes are those that were sent."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import random
from io import BytesIO
from typing import TYPE_CHECKING, Any

import pytest
from tusclient.client import TusClient
from tusclient.exceptions import TusCommunicationError

from tests.eventually import eventually
from tests.integration.gateway.conftest import serving as gateway
from tests.integration.uploads.tus import VERSION, appended, created, cut_off, metadata, offset_of, stored

if TYPE_CHECKING:
    import httpx2

    from meshkit.objects import Objects
    from meshkit.settings import S3Settings
    from tests.fakes.gateway import FakeServices
    from tests.integration.gateway.conftest import Served

PART = 8 << 20
SERVER_BUFFER = 160 << 10
"""Bytes that lie in the HTTP server, and are lost with their connection."""
LONG = random.Random(1).randbytes(2 * PART + 12_345)


async def test_a_file_in_one_request(http: httpx2.AsyncClient, objects: Objects) -> None:
    said = metadata(filename="final.mp4", filetype="video/mp4", relativePath="null") + ",is_confidential"
    path = await created(http, len(LONG), **{"Upload-Metadata": said})
    answer = await appended(http, path, 0, LONG)
    assert (answer.status_code, answer.headers["upload-offset"]) == (204, str(len(LONG)))
    upload, body = await stored(http, path, objects)
    assert body == LONG
    assert (upload["state"], upload["file_name"], upload["content_type"]) == ("completed", "final.mp4", "video/mp4")
    head = await http.head(path, headers=VERSION)
    assert head.headers["upload-metadata"] == said
    assert head.headers["upload-offset"] == head.headers["upload-length"] == str(len(LONG))


async def test_small_and_odd_requests_over_part_borders(http: httpx2.AsyncClient, objects: Objects) -> None:
    path, at = await created(http, len(LONG)), 0
    for size in (1, 3_000_000, PART - 3_000_001, 7, PART + 1, len(LONG)):
        piece = LONG[at : at + size]
        assert (await appended(http, path, at, piece)).status_code == 204
        at += len(piece)
        assert await offset_of(http, path) == at
    assert (await stored(http, path, objects))[1] == LONG


@pytest.mark.parametrize("cut", [0, 1, 300_000, PART - 1, PART, PART + 1, 2 * PART + 100])
async def test_a_cut_connection_costs_next_to_nothing(
    http: httpx2.AsyncClient, served: Served, auth: dict[str, str], objects: Objects, cut: int
) -> None:
    path = await created(http, len(LONG))
    await cut_off(served.url, path, 0, LONG[:cut], len(LONG), auth)

    async def kept() -> tuple[int] | None:
        # Whoever asks while it is being stored waits for that; the first may ask before the request was seen at all.
        at = await offset_of(http, path)
        return (at,) if cut - SERVER_BUFFER <= at <= cut else None

    [at] = await eventually(kept) or [0]
    assert (await appended(http, path, at, LONG[at:])).status_code == 204
    assert (await stored(http, path, objects))[1] == LONG


async def test_any_replica_goes_on(
    http: httpx2.AsyncClient,
    served: Served,
    others: FakeServices,
    s3_settings: S3Settings,
    upload_addr: str,
    objects: Objects,
) -> None:
    path = await created(http, len(LONG))
    assert (await appended(http, path, 0, LONG[: PART + 5])).status_code == 204
    async with gateway(others, s3_settings, upload_addr=upload_addr) as second:
        assert (await appended(http, second.url + path, PART + 5, LONG[PART + 5 : -9])).status_code == 204
    assert (await appended(http, path, len(LONG) - 9, LONG[-9:])).status_code == 204
    assert (await stored(http, path, objects))[1] == LONG


async def test_tuspy_works_as_it_is(
    served: Served,
    others: FakeServices,
    s3_settings: S3Settings,
    upload_addr: str,
    auth: dict[str, str],
    http: httpx2.AsyncClient,
    objects: Objects,
) -> None:
    """Also over a restart of the gateway between two of its requests."""

    def uploader(served_at: str, **more: Any) -> Any:
        client = TusClient(f"{served_at}/v1/tus", headers=auth)
        return client.uploader(file_stream=BytesIO(LONG), chunk_size=3_000_000, **more)

    async with gateway(others, s3_settings, upload_addr=upload_addr) as first:
        sending = uploader(first.url, metadata={"filename": "match.mov"})
        await asyncio.to_thread(sending.upload, stop_at=7_000_000)
        path = str(sending.url).removeprefix(first.url)
    resumed = await asyncio.to_thread(uploader, served.url, url=served.url + path)
    assert resumed.offset >= 6_000_000
    await asyncio.to_thread(resumed.upload)
    assert (await stored(http, path, objects))[1] == LONG


async def test_tuspy_checks_each_chunk(served: Served, auth: dict[str, str], http: httpx2.AsyncClient) -> None:
    client = TusClient(f"{served.url}/v1/tus", headers=auth)
    sending = client.uploader(file_stream=BytesIO(LONG[:5000]), chunk_size=2000, upload_checksum=True)
    await asyncio.to_thread(sending.upload)
    assert await offset_of(http, str(sending.url).removeprefix(served.url)) == 5000


async def test_tuspy_hears_that_somebody_is_not_let_in(served: Served) -> None:
    client = TusClient(f"{served.url}/v1/tus")
    with pytest.raises(TusCommunicationError):
        await asyncio.to_thread(client.uploader(file_stream=BytesIO(b"abc")).upload)


async def test_a_wrong_checksum_keeps_nothing(http: httpx2.AsyncClient, objects: Objects) -> None:
    path = await created(http, len(LONG))
    await appended(http, path, 0, LONG[:1000])
    right = base64.b64encode(hashlib.sha1(LONG[1000:], usedforsecurity=False).digest()).decode()
    wrong = await appended(http, path, 1000, LONG[1000:-1] + b"!", **{"Upload-Checksum": f"sha1 {right}"})
    assert (wrong.status_code, wrong.json()["code"]) == (460, "chunk_checksum_mismatch")
    assert await offset_of(http, path) == 1000
    assert (await appended(http, path, 1000, LONG[1000:], **{"Upload-Checksum": f"sha1 {right}"})).status_code == 204
    assert (await stored(http, path, objects))[1] == LONG


async def test_the_first_bytes_may_come_with_the_creation(http: httpx2.AsyncClient, objects: Objects) -> None:
    headers = {**VERSION, "Upload-Length": "5", "Content-Type": "application/offset+octet-stream"}
    answer = await http.post("/v1/tus", headers=headers, content=b"abc")
    assert (answer.status_code, answer.headers["upload-offset"]) == (201, "3")
    await appended(http, answer.headers["location"], 3, b"de")
    assert (await stored(http, answer.headers["location"], objects))[1] == b"abcde"


async def test_an_empty_file_is_whole_at_once(http: httpx2.AsyncClient, objects: Objects) -> None:
    path = await created(http, 0, **{"Upload-Metadata": ""})
    upload, body = await stored(http, path, objects)
    assert (upload["state"], upload["size"], body) == ("completed", 0, b"")


async def test_two_at_once_are_one_after_the_other(http: httpx2.AsyncClient, objects: Objects) -> None:
    path = await created(http, len(LONG))
    answers = await asyncio.gather(*[appended(http, path, 0, LONG[:-1]) for _ in range(3)])
    codes = sorted(answer.status_code for answer in answers)
    assert codes[0] == 204
    assert set(codes[1:]) == {409}
    await appended(http, path, len(LONG) - 1, LONG[-1:])
    assert (await stored(http, path, objects))[1] == LONG


async def test_what_is_terminated_is_gone(http: httpx2.AsyncClient, objects: Objects) -> None:
    path = await created(http, 10)
    await appended(http, path, 0, b"abc")
    assert (await http.delete(path, headers=VERSION)).status_code == 204
    assert (await http.head(path, headers=VERSION)).status_code == 410
    assert (await appended(http, path, 3, b"d")).json()["code"] == "upload_aborted"
    assert await objects.delete_prefix(f"tmp/uploads/{path.rpartition('/')[2]}/") == 0


async def test_tails_do_not_stay(http: httpx2.AsyncClient, objects: Objects) -> None:
    path = await created(http, 10)
    for at in range(9):
        await appended(http, path, at, b"x")
    prefix = f"tmp/uploads/{path.rpartition('/')[2]}/"
    await appended(http, path, 9, b"x")
    assert await objects.delete_prefix(prefix) == 0


@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        ({"Tus-Resumable": "0.2.2"}, 412, "tus_version"),
        ({"Upload-Length": "-1"}, 400, "invalid_argument"),
        ({"Upload-Length": "9" * 30}, 400, "invalid_argument"),
        ({"Upload-Length": str(6 << 30)}, 413, "too_large"),
        ({"Upload-Length": "ten"}, 400, "invalid_argument"),
        ({"Upload-Metadata": "filename !!"}, 400, "invalid_argument"),
        ({"Upload-Metadata": metadata(filename="../../etc/passwd.mp4")}, 400, "invalid_file_name"),
        ({"Upload-Metadata": metadata(filename="x" * 1000)}, 400, "invalid_argument"),
        ({"Upload-Metadata": metadata(filename="a.exe")}, 415, "unsupported_type"),
        ({"Upload-Metadata": metadata(preset="nonsense")}, 400, "unknown_preset"),
    ],
)
async def test_a_creation_that_is_wrong(
    http: httpx2.AsyncClient, headers: dict[str, str], status: int, code: str
) -> None:
    answer = await http.post("/v1/tus", headers={**VERSION, "Upload-Length": "3"} | headers)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.headers["tus-resumable"] == "1.0.0"


async def test_requests_that_are_wrong(http: httpx2.AsyncClient) -> None:
    path = await created(http, 5)
    wrong_offset = await appended(http, path, 2, b"c")
    too_much = await appended(http, path, 0, b"abcdef")
    no_type = await http.patch(path, headers={**VERSION, "Upload-Offset": "0"}, content=b"a")
    no_offset = await appended(http, path, 0, b"a", **{"Upload-Offset": "x"})
    no_algorithm = await appended(http, path, 0, b"a", **{"Upload-Checksum": "crc7 AAAA"})
    answers = [wrong_offset, too_much, no_type, no_offset, no_algorithm]
    assert [answer.status_code for answer in answers] == [409, 413, 415, 400, 400]
    codes = ["offset_mismatch", "more_than_declared", "unsupported_media_type", "invalid_argument", "invalid_argument"]
    assert [answer.json()["code"] for answer in answers] == codes
    nothing = await appended(http, f"/v1/tus/{'0' * 8}-0000-0000-0000-{'0' * 12}", 0, b"a")
    assert (nothing.status_code, nothing.json()["code"]) == (404, "upload_not_found")
    assert await offset_of(http, path) == 0


async def test_what_there_is_of_the_protocol(served: Served, http: httpx2.AsyncClient) -> None:
    answer = await http.request("OPTIONS", "/v1/tus", headers={"Authorization": ""})
    assert answer.status_code == 204
    assert answer.headers["tus-version"] == "1.0.0"
    assert "creation-with-upload" in answer.headers["tus-extension"]


async def test_a_client_that_can_only_post(http: httpx2.AsyncClient, objects: Objects) -> None:
    path = await created(http, 3)
    headers = {**VERSION, "Content-Type": "application/offset+octet-stream", "Upload-Offset": "0"}
    await http.post(path, content=b"abc", headers={**headers, "X-HTTP-Method-Override": "PATCH"})
    assert (await stored(http, path, objects))[1] == b"abc"
