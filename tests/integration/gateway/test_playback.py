"""Playlists and segments, as players ask for them, from a real object store."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

import httpx2
import pytest
import pytest_asyncio
from reelmesh.metadata.v1 import metadata_pb2

from meshkit.ids import new_id
from tests.fakes.gateway import an_asset, an_output, playback_token

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from meshkit.objects import Objects
    from tests.fakes.gateway import FakeServices
    from tests.integration.gateway.conftest import Served

SEGMENT = bytes(range(256)) * 4096
MASTER = b"#EXTM3U\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Video:
    asset: metadata_pb2.Asset
    http: httpx2.AsyncClient

    def at(self, path: str, token: str = "") -> str:
        return f"/play/{token or self.asset.playback_id}/{path}"


async def a_video(services: FakeServices, objects: Objects, http: httpx2.AsyncClient) -> Video:
    asset = an_asset(new_id(), playable=True, visibility=metadata_pb2.Asset.VISIBILITY_PUBLIC)
    prefix = f"assets/{asset.id}/jobs/j1/"
    asset.outputs.append(an_output("hls", f"{prefix}master.m3u8"))
    services.metadata.add(asset, prefix)
    for name, body in (
        ("master.m3u8", MASTER),
        ("manifest.mpd", b"<MPD/>"),
        ("720p/1.m4s", SEGMENT),
        ("page.html", b"<script>"),
    ):
        await objects.put(prefix + name, body, "text/html", "")
    await objects.put(f"assets/{asset.id}/secret", b"secret", "text/plain", "")
    return Video(asset=asset, http=http)


@pytest_asyncio.fixture(loop_scope="session")
async def video(services: FakeServices, objects: Objects, anyone: httpx2.AsyncClient) -> Video:
    """Public and finished; its segments are read from the store."""
    return await a_video(services, objects, anyone)


@pytest_asyncio.fixture(loop_scope="session")
async def proxied(services: FakeServices, objects: Objects, proxying: Served) -> AsyncIterator[Video]:
    """The same, read through the gateway."""
    async with httpx2.AsyncClient(base_url=proxying.url) as http:
        yield await a_video(services, objects, http)


@pytest.mark.parametrize(
    ("path", "media_type"),
    [("master.m3u8", "application/vnd.apple.mpegurl"), ("manifest.mpd", "application/dash+xml")],
)
async def test_playlists_come_from_the_gateway(video: Video, path: str, media_type: str) -> None:
    answer = await video.http.get(video.at(path))
    assert (answer.status_code, answer.headers["content-type"]) == (200, media_type)
    assert answer.headers["cache-control"] == "public, max-age=10"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["access-control-allow-origin"] == "*"
    assert {"ETag", "Content-Range"} <= set(answer.headers["access-control-expose-headers"].split(", "))
    unchanged = await video.http.get(video.at(path), headers={"If-None-Match": answer.headers["etag"]})
    assert (unchanged.status_code, unchanged.content) == (304, b"")


async def test_a_growing_playlist_is_not_kept(video: Video) -> None:
    video.asset.outputs[0].state = metadata_pb2.Output.STATE_PREPARING
    assert (await video.http.get(video.at("master.m3u8"))).headers["cache-control"] == "no-cache"


async def test_segments_are_read_from_the_store(video: Video) -> None:
    answer = await video.http.get(video.at("720p/1.m4s"), headers={"Origin": "https://anywhere.example"})
    assert answer.status_code == 307
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.headers["cache-control"] == "private, max-age=240"
    location = answer.headers["location"]
    part = await video.http.get(location, headers={"Range": "bytes=256-511"})
    assert (part.status_code, part.content) == (206, bytes(range(256)))
    assert (await video.http.get(video.at("720p/1.m4s"))).headers["location"] == location


@pytest.mark.parametrize(
    ("name", "media_type"),
    [
        ("poster.jpg", "image/jpeg"),
        ("large.webp", "image/webp"),
        ("small.avif", "image/avif"),
        ("thumb.gif", "image/gif"),
    ],
)
async def test_pictures_come_from_the_gateway(video: Video, objects: Objects, name: str, media_type: str) -> None:
    await objects.put(f"assets/{video.asset.id}/jobs/j1/files/t-1/{name}", b"a picture", "text/html", "")
    answer = await video.http.get(video.at(f"files/t-1/{name}"))
    assert (answer.status_code, answer.content, answer.headers["content-type"]) == (200, b"a picture", media_type)
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert answer.headers["x-content-type-options"] == "nosniff"


async def test_a_storyboard_comes_from_where_its_pictures_are(video: Video, objects: Objects) -> None:
    await objects.put(f"assets/{video.asset.id}/jobs/j1/files/t-1/storyboard.vtt", b"WEBVTT\n", "text/html", "")
    answer = await video.http.get(video.at("files/t-1/storyboard.vtt"))
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/vtt")
    assert answer.headers["x-content-type-options"] == "nosniff"


async def test_a_file_of_another_job_is_there_too(
    video: Video, http: httpx2.AsyncClient, tenant: str, objects: Objects
) -> None:
    folder = f"assets/{video.asset.id}/jobs/j2/files/t-1/"
    video.asset.tenant_id, video.asset.object_prefix = tenant, f"assets/{video.asset.id}/jobs/j1/"
    video.asset.outputs.append(an_output("file", f"{folder}video.mp4"))
    for name in ("video.mp4", "other.mp4"):
        await objects.put(folder + name, SEGMENT, "text/html", "")
    shown = (await http.get(f"/v1/assets/{video.asset.id}/playback")).json()
    urls = {output["kind"]: output["url"] for output in shown["outputs"] if output["kind"] == "file"}
    assert shown["hls_url"].endswith(video.at("master.m3u8"))
    answer = await video.http.get(httpx2.URL(urls["file"]).path)
    assert answer.status_code == 307
    assert (await video.http.get(answer.headers["location"])).content == SEGMENT
    assert (await http.get(f"/v1/assets/{video.asset.id}")).json()["outputs"][1]["url"] == urls["file"]
    unknown = await video.http.get(video.at("jobs/j2/files/t-1/other.mp4"), follow_redirects=True)
    assert unknown.status_code == 404


async def test_a_stream_of_another_job_is_there_too(
    video: Video, http: httpx2.AsyncClient, tenant: str, objects: Objects
) -> None:
    folder = f"assets/{video.asset.id}/jobs/j2/"
    video.asset.tenant_id, video.asset.object_prefix = tenant, f"assets/{video.asset.id}/jobs/j1/"
    video.asset.outputs.append(an_output("hls", f"{folder}master.m3u8"))
    growing = an_output("hls", f"assets/{video.asset.id}/jobs/j3/master.m3u8", metadata_pb2.Output.STATE_PREPARING)
    video.asset.outputs.append(growing)
    for name in ("master.m3u8", "v360/0-1.m4s"):
        await objects.put(folder + name, name.encode(), "text/html", "")
    shown = (await http.get(f"/v1/assets/{video.asset.id}/playback")).json()
    own, other, none = (output["url"] for output in shown["outputs"])
    assert (own, none) == (shown["hls_url"], None)
    master = await video.http.get(httpx2.URL(other).path)
    assert (master.status_code, master.content) == (200, b"master.m3u8")
    segment = await video.http.get(httpx2.URL(other).join("v360/0-1.m4s").path, follow_redirects=True)
    assert (segment.status_code, segment.content) == (200, b"v360/0-1.m4s")
    for path in ("jobs/j2/v360/", "jobs/j2/v360/1-1.m4s", "jobs/j3/master.m3u8"):
        assert (await video.http.get(video.at(path), follow_redirects=True)).status_code == 404


@pytest.mark.parametrize("path", ["master.m3u8", "720p/1.m4s"])
async def test_head_never_redirects(video: Video, path: str) -> None:
    answer = await video.http.head(video.at(path))
    assert (answer.status_code, answer.content) == (200, b"")
    assert int(answer.headers["content-length"]) == len(SEGMENT if path.endswith("m4s") else MASTER)


async def test_segments_through_the_gateway(proxied: Video) -> None:
    answer = await proxied.http.get(proxied.at("720p/1.m4s"))
    assert (answer.status_code, answer.content) == (200, SEGMENT)
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert answer.headers["content-type"] == "video/iso.segment"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["accept-ranges"] == "bytes"
    assert answer.headers["access-control-allow-origin"] == "*"
    head = await proxied.http.head(proxied.at("720p/1.m4s"))
    assert head.headers["etag"] == answer.headers["etag"]
    assert int(head.headers["content-length"]) == len(SEGMENT)


@pytest.mark.parametrize(
    ("asked", "start", "end"), [("bytes=0-0", 0, 1), ("bytes=1000-", 1000, len(SEGMENT)), ("bytes=-10", -10, None)]
)
async def test_a_range_through_the_gateway(proxied: Video, asked: str, start: int, end: int | None) -> None:
    answer = await proxied.http.get(proxied.at("720p/1.m4s"), headers={"Range": asked})
    expected = SEGMENT[start:end]
    assert (answer.status_code, answer.content) == (206, expected)
    assert answer.headers["content-range"].endswith(f"/{len(SEGMENT)}")
    assert int(answer.headers["content-length"]) == len(expected)


@pytest.mark.parametrize("asked", ["lines=1-2", "bytes=x"])
async def test_other_ranges_are_answered_whole(proxied: Video, asked: str) -> None:
    answer = await proxied.http.get(proxied.at("720p/1.m4s"), headers={"Range": asked})
    assert (answer.status_code, answer.content) == (200, SEGMENT)


async def test_a_range_outside_is_refused(proxied: Video) -> None:
    answer = await proxied.http.get(proxied.at("720p/1.m4s"), headers={"Range": f"bytes={len(SEGMENT)}-"})
    assert (answer.status_code, answer.json()["code"]) == (416, "range_not_satisfiable")
    assert answer.headers["content-range"] == f"bytes */{len(SEGMENT)}"


async def test_a_range_of_what_it_was(proxied: Video) -> None:
    etag = (await proxied.http.head(proxied.at("720p/1.m4s"))).headers["etag"]
    for condition, code in ((etag, 206), ('"older"', 200)):
        headers = {"Range": "bytes=0-9", "If-Range": condition}
        assert (await proxied.http.get(proxied.at("720p/1.m4s"), headers=headers)).status_code == code


async def test_what_users_bring_is_never_a_page(proxied: Video) -> None:
    answer = await proxied.http.get(proxied.at("page.html"))
    assert answer.headers["content-type"] == "application/octet-stream"


@pytest.mark.parametrize(
    "path",
    [
        "../../secret",
        "..%2f..%2fsecret",
        "%2e%2e/%2e%2e/secret",
        "720p//1.m4s",
        "720p/./1.m4s",
        "a%00b",
        "a%20b",
        "",
        "x/",
    ],
)
async def test_no_path_leads_out(proxied: Video, path: str) -> None:
    # By hand: a client would tidy the path up first.
    url = proxied.http.base_url
    reader, writer = await asyncio.open_connection(url.host, url.port)
    writer.write(f"GET {proxied.at(path)} HTTP/1.1\r\nHost: {url.host}\r\nConnection: close\r\n\r\n".encode())
    answer = (await reader.read()).decode().splitlines()
    writer.close()
    await writer.wait_closed()
    assert answer[0] == "HTTP/1.1 404 Not Found"
    assert "content-type: application/problem+json" in answer


async def test_what_is_not_there(proxied: Video) -> None:
    for method in ("GET", "HEAD"):
        answer = await proxied.http.request(method, proxied.at("nothing.m4s"))
        assert answer.status_code == 404
    for token in (new_id(), "nonsense"):
        answer = await proxied.http.get(proxied.at("master.m3u8", token))
        assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (404, "*")


async def test_a_private_video_needs_a_token(video: Video) -> None:
    video.asset.visibility = metadata_pb2.Asset.VISIBILITY_PRIVATE
    token = playback_token(video.asset.playback_id, video.asset.tenant_id)
    assert (await video.http.get(video.at("master.m3u8"))).status_code == 404
    assert (await video.http.get(video.at("master.m3u8", token))).content == MASTER
    assert (await video.http.get(video.at("720p/1.m4s", token))).status_code == 307
    for bad, code in (
        (playback_token(video.asset.playback_id, video.asset.tenant_id, seconds=-60), "token_expired"),
        (f"{token[:-4]}AAAA", "invalid_token"),
        ("a.b.c", "invalid_token"),
    ):
        answer = await video.http.get(video.at("master.m3u8", bad))
        assert (answer.status_code, answer.json()["code"]) == (401, code)


async def test_a_token_that_another_tenant_had_signed_plays_nothing(video: Video) -> None:
    token = playback_token(video.asset.playback_id, new_id())
    assert (await video.http.get(video.at("master.m3u8", token))).status_code == 404


async def test_players_in_a_crowd_are_resolved_together(video: Video, services: FakeServices) -> None:
    await asyncio.gather(*[video.http.get(video.at("master.m3u8")) for _ in range(20)])
    assert services.metadata.resolved[video.asset.playback_id] == 1


async def test_any_page_may_play(video: Video) -> None:
    headers = {"Origin": "https://x.example", "Access-Control-Request-Method": "GET"}
    answer = await video.http.options(video.at("720p/1.m4s"), headers=headers)
    assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (204, "*")
    assert "Range" in answer.headers["access-control-allow-headers"]


async def test_nothing_but_reading(video: Video) -> None:
    answer = await video.http.post(video.at("master.m3u8"))
    assert answer.status_code == 405
    assert set(answer.headers["allow"].split(", ")) == {"GET", "HEAD"}
