"""Files that come as forms, and those that the platform fetches."""

from __future__ import annotations

import asyncio
import random
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest

from tests.eventually import eventually
from tests.integration.uploads.tus import stored

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import httpx2

    from meshkit.objects import Objects
    from tests.fakes.gateway import FakeServices

LONG = random.Random(2).randbytes((9 << 20) + 54_321)


async def sent(http: httpx2.AsyncClient, body: bytes, **fields: str) -> httpx2.Response:
    """Fields first, as httpx does it."""
    return await http.post("/v1/uploads/direct", data=fields, files={"file": ("a.mp4", body, "video/mp4")})


def form(*parts: tuple[str, bytes], end: bytes = b"--x--\r\n") -> bytes:
    return b"".join(f"--x\r\n{head}\r\n\r\n".encode() + body + b"\r\n" for head, body in parts) + end


FILE = 'Content-Disposition: form-data; name="file"; filename="a.mp4"\r\nContent-Type: video/mp4'
FIELD = 'Content-Disposition: form-data; name="{}"'
FORM = {"Content-Type": "multipart/form-data; boundary=x"}


@pytest.mark.parametrize("size", [0, 1, 8 << 20, len(LONG)])
async def test_a_form_becomes_an_upload(http: httpx2.AsyncClient, objects: Objects, size: int) -> None:
    answer = await sent(http, LONG[:size], labels='{"match_id": "42"}', visibility="public", passthrough="x")
    assert answer.status_code == 201, answer.text
    made = answer.json()
    assert answer.headers["location"] == f"/v1/uploads/{made['id']}"
    assert (made["state"], made["size"], made["received"]) == ("completed", size, size)
    assert (made["labels"], made["visibility"], made["file_name"]) == ({"match_id": "42"}, "public", "a.mp4")
    assert (await stored(http, made["id"], objects))[1] == LONG[:size]


async def test_fields_may_stand_behind_a_small_file_alone(http: httpx2.AsyncClient) -> None:
    body = form((FILE, b"abc"), (FIELD.format("passthrough"), b"late"))
    assert (await http.post("/v1/uploads/direct", content=body, headers=FORM)).json()["passthrough"] == "late"
    body = form((FILE, LONG), (FIELD.format("passthrough"), b"too late"))
    answer = await http.post("/v1/uploads/direct", content=body, headers=FORM)
    assert (answer.status_code, answer.json()["code"]) == (400, "field_after_file")
    assert (await http.get("/v1/uploads")).json()["items"][0]["state"] == "aborted"


async def test_the_same_idempotency_key_is_the_same_upload(http: httpx2.AsyncClient) -> None:
    key = {"Idempotency-Key": "once"}
    files = {"file": ("a.mp4", b"abc", "video/mp4")}
    made = [await http.post("/v1/uploads/direct", files=files, headers=key) for _ in range(2)]
    assert [answer.status_code for answer in made] == [201, 201]
    assert made[0].json() == made[1].json()


async def test_a_form_says_what_its_job_is_to_be(http: httpx2.AsyncClient, others: FakeServices) -> None:
    answer = await sent(http, b"abc", job='{"priority": 9, "edits": {"mute": true}}')
    assert (answer.status_code, bool(answer.json()["job_id"])) == (201, True), answer.text
    asked = others.transcode.checked[-1].job
    assert (asked.priority, asked.edits.mute) == (9, True)
    refused = await sent(http, b"abc", job='{"priority": 101}')
    assert [each["field"] for each in refused.json()["errors"]] == ["job.priority"]


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"", 400, "invalid_argument"),
        (b"not a form", 400, "invalid_argument"),
        (form((FIELD.format("passthrough"), b"x")), 400, "invalid_argument"),
        (form((FILE, b"x"), end=b""), 400, "invalid_argument"),
        (form((FILE, b"x"), (FILE, b"y")), 400, "invalid_argument"),
        (form((FIELD.format("colour"), b"red"), (FILE, b"x")), 400, "invalid_argument"),
        (form((FIELD.format("labels"), b"[1"), (FILE, b"x")), 400, "invalid_argument"),
        (form((FIELD.format("job"), b"{"), (FILE, b"x")), 400, "invalid_argument"),
        (form((FIELD.format("preset"), b"nonsense"), (FILE, b"x")), 400, "unknown_preset"),
        (form((FIELD.format("file_name"), b"a/b.mp4"), (FILE, b"x")), 400, "invalid_file_name"),
        (form((FIELD.format("passthrough"), b"x" * 100_000), (FILE, b"x")), 413, "too_large"),
        (form((FILE.replace("a.mp4", "a.pdf"), b"x")), 415, "unsupported_type"),
    ],
)
async def test_forms_that_are_wrong(http: httpx2.AsyncClient, body: bytes, status: int, code: str) -> None:
    answer = await http.post("/v1/uploads/direct", content=body, headers=FORM)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


async def test_what_is_no_form_is_refused(http: httpx2.AsyncClient) -> None:
    answer = await http.post("/v1/uploads/direct", json={"file_name": "a"})
    assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_media_type")


@asynccontextmanager
async def web_server(head: bytes, body: bytes) -> AsyncIterator[str]:
    """A server that answers the same to everybody; its URL."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 " + head + b"\r\nConnection: close\r\n\r\n" + body)
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        yield f"http://localhost:{server.sockets[0].getsockname()[1]}"


async def fetched(http: httpx2.AsyncClient, url: str, **fields: Any) -> dict[str, Any]:
    """The upload, when it is over."""
    answer = await http.post("/v1/uploads/from-url", json={"url": url} | fields)
    assert answer.status_code == 202, answer.text
    assert answer.json()["size"] is None

    async def over() -> dict[str, Any] | None:
        upload: dict[str, Any] = (await http.get(answer.headers["location"])).json()
        return upload if upload["state"] != "receiving" else None

    return await eventually(over, within=30) or {}


@pytest.mark.parametrize("told", [True, False])
async def test_a_file_is_fetched(http: httpx2.AsyncClient, objects: Objects, told: bool) -> None:
    head = b"200 OK" + (b"\r\nContent-Length: %d" % len(LONG) if told else b"")
    async with web_server(head, LONG) as url:
        upload = await fetched(http, f"{url}/videos/the%20final.mp4?x=1", labels={"a": "b"})
    assert (upload["state"], upload["file_name"], upload["size"]) == ("completed", "the final.mp4", len(LONG))
    assert (await stored(http, upload["id"], objects))[1] == LONG


@pytest.mark.parametrize(
    ("head", "code"),
    [
        (b"404 Not Found", "fetch_refused"),
        (b"302 Found\r\nLocation: http://169.254.169.254/", "url_redirects"),
        (b"200 OK\r\nContent-Length: %d" % (6 << 30), "too_large"),
        (b"200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 3", "fetch_refused"),
    ],
)
async def test_a_fetch_that_fails_says_why(http: httpx2.AsyncClient, head: bytes, code: str) -> None:
    async with web_server(head, b"abc") as url:
        upload = await fetched(http, f"{url}/a.mp4")
    assert (upload["state"], upload["error"]["code"]) == ("failed", code)


@pytest.mark.parametrize(
    "url",
    [
        "http://10.0.0.1/a.mp4",
        "http://169.254.169.254/latest/meta-data/",
        "http://[::ffff:10.0.0.1]/a.mp4",
        "http://[64:ff9b::a00:1]/a.mp4",
        "http://0.0.0.0/a.mp4",
        "file:///etc/passwd",
        "ftp://127.0.0.1/a.mp4",
        "http://user@127.0.0.1/a.mp4",
        "http://127.0.0.1:0/a.mp4",
        "http://127.0.0.1:99999/a.mp4",
        "http://[::1/a.mp4",
        "nonsense",
    ],
)
async def test_what_is_inside_is_not_fetched(http: httpx2.AsyncClient, url: str) -> None:
    answer = await http.post("/v1/uploads/from-url", json={"url": url, "file_name": "a.mp4"})
    assert (answer.status_code, answer.json()["code"]) == (400, "url_not_allowed")
    assert [each["field"] for each in answer.json()["errors"]] == ["url"]
