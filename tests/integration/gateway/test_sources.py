"""The file as it was uploaded: streamed, saved, and by URL."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import httpx2
import pytest
import pytest_asyncio
from reelmesh.metadata.v1 import metadata_pb2

from tests.fakes.gateway import an_asset, playback_token

if TYPE_CHECKING:
    from meshkit.objects import Objects
    from tests.fakes.gateway import FakeServices
    from tests.integration.gateway.conftest import Served

PUBLIC = metadata_pb2.Asset.VISIBILITY_PUBLIC
SOURCE = bytes(range(256)) * 4096
NAME = 'Döner "final"\r\n/x.mp4'
SAVED = """filename="D_ner _final____x.mp4"; filename*=UTF-8''D%C3%B6ner%20%22final%22___x.mp4"""


@pytest_asyncio.fixture(loop_scope="session")
async def asset(services: FakeServices, tenant: str, objects: Objects) -> metadata_pb2.Asset:
    """Private, and not what its uploader says it is."""
    made = services.metadata.add(an_asset(tenant, file_name=NAME, content_type="text/html"))
    await objects.put(made.object_key, SOURCE, "text/html", "")
    return made


def stream(asset: metadata_pb2.Asset) -> str:
    return f"/v1/assets/{asset.id}/stream"


async def test_a_source_is_streamed_and_never_a_page(
    http: httpx2.AsyncClient, asset: metadata_pb2.Asset, services: FakeServices
) -> None:
    answer = await http.get(stream(asset))
    assert (answer.status_code, answer.content) == (200, SOURCE)
    assert answer.headers["content-type"] == "video/mp4"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in answer.headers["content-security-policy"]
    assert answer.headers["content-disposition"] == f"inline; {SAVED}"
    assert answer.headers["cache-control"] == "private, max-age=300"
    head = await http.head(stream(asset))
    assert (head.status_code, head.content, head.headers["content-length"]) == (200, b"", str(len(SOURCE)))
    assert head.headers["etag"] == answer.headers["etag"]
    unchanged = await http.get(stream(asset), headers={"If-None-Match": answer.headers["etag"]})
    assert (unchanged.status_code, unchanged.content) == (304, b"")
    assert services.metadata.opened[asset.id, "PURPOSE_STREAM"] == 3


@pytest.mark.parametrize(
    ("asked", "start", "end"),
    [
        ("bytes=0-0", 0, 1),
        ("Bytes= 1000-", 1000, None),
        ("bytes=-10", -10, None),
        (f"bytes=5-{'9' * 40}", 5, None),
        (f"bytes=-{'9' * 40}", 0, None),
    ],
)
async def test_a_range_of_a_source(
    http: httpx2.AsyncClient, asset: metadata_pb2.Asset, asked: str, start: int, end: int | None
) -> None:
    answer = await http.get(stream(asset), headers={"Range": asked})
    assert (answer.status_code, answer.content) == (206, SOURCE[start:end])
    first = start % len(SOURCE)
    last = first + len(answer.content) - 1
    assert answer.headers["content-range"] == f"bytes {first}-{last}/{len(SOURCE)}"


@pytest.mark.parametrize("asked", ["lines=1-2", "bytes=x", "bytes=5-2", "bytes=", "bytes=1-2-3"])
async def test_what_is_no_range_is_passed_over(http: httpx2.AsyncClient, asset: metadata_pb2.Asset, asked: str) -> None:
    assert (await http.get(stream(asset), headers={"Range": asked})).status_code == 200


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ("bytes=0-1,4-5", "multiple_ranges"),
        ("bytes=0-,-1", "multiple_ranges"),
        (f"bytes={len(SOURCE)}-", "range_not_satisfiable"),
        (f"bytes={'9' * 40}-", "range_not_satisfiable"),
        ("bytes=-0", "range_not_satisfiable"),
    ],
)
async def test_other_ranges_are_refused(
    http: httpx2.AsyncClient, asset: metadata_pb2.Asset, asked: str, code: str
) -> None:
    answer = await http.get(stream(asset), headers={"Range": asked})
    assert (answer.status_code, answer.json()["code"]) == (416, code)
    assert answer.headers["content-range"] == f"bytes */{len(SOURCE)}"
    # Of another version, no range is meant at all.
    other = await http.get(stream(asset), headers={"Range": asked, "If-Range": '"older"'})
    assert (other.status_code, len(other.content)) == (200, len(SOURCE))


async def test_a_source_that_is_no_longer_kept(http: httpx2.AsyncClient, asset: metadata_pb2.Asset) -> None:
    asset.source_delete_time.GetCurrentTime()
    for path in ("stream", "download", "url"):
        answer = await http.get(f"/v1/assets/{asset.id}/{path}")
        assert (answer.status_code, answer.json()["code"]) == (404, "source_deleted")
    assert (await http.get(f"/v1/assets/{asset.id}")).json()["source_delete_time"]


async def test_a_source_is_given_out_by_url(
    http: httpx2.AsyncClient, anyone: httpx2.AsyncClient, asset: metadata_pb2.Asset
) -> None:
    answer = (await http.get(f"/v1/assets/{asset.id}/url", params={"expires_in": 120})).json()
    assert datetime.fromisoformat(answer["expires_at"]).utcoffset() is not None
    part = await anyone.get(answer["url"], headers={"Range": "bytes=2-4"})
    assert (part.content, part.headers["content-type"]) == (SOURCE[2:5], "video/mp4")
    for seconds in (59, 604_801):
        assert (await http.get(f"/v1/assets/{asset.id}/url", params={"expires_in": seconds})).status_code == 400


async def test_a_download_keeps_its_name(
    http: httpx2.AsyncClient, anyone: httpx2.AsyncClient, asset: metadata_pb2.Asset
) -> None:
    answer = await http.get(f"/v1/assets/{asset.id}/download")
    assert answer.status_code == 302
    saved = await anyone.get(answer.headers["location"])
    assert saved.content == SOURCE
    assert saved.headers["content-disposition"] == f"attachment; {SAVED}"
    assert saved.headers["content-type"] == "video/mp4"


async def test_what_is_public_is_read_by_its_playback_id(
    anyone: httpx2.AsyncClient, asset: metadata_pb2.Asset, proxying: Served, services: FakeServices, tenant: str
) -> None:
    path = f"/play/{asset.playback_id}/source"
    assert (await anyone.get(path)).status_code == 404
    # A token plays; the file itself is the tenant's alone.
    assert (await anyone.get(f"/play/{playback_token(asset.playback_id, tenant)}/source")).status_code == 404
    public = services.metadata.add(an_asset(tenant, file_name="a.mp4", visibility=PUBLIC))
    public.object_key = asset.object_key
    path = f"/play/{public.playback_id}/source"
    redirected = await anyone.get(path)
    assert redirected.status_code == 307
    assert (await anyone.get(redirected.headers["location"])).headers["content-type"] == "video/mp4"
    async with httpx2.AsyncClient(base_url=proxying.url) as through:
        answer = await through.get(path, headers={"Range": "bytes=1-2"})
        assert (answer.status_code, answer.content) == (206, SOURCE[1:3])
        assert answer.headers["cache-control"] == "public, max-age=3600"


async def test_an_image_is_kept_by_caches(
    anyone: httpx2.AsyncClient, services: FakeServices, tenant: str, objects: Objects
) -> None:
    image = services.metadata.add(an_asset(tenant, file_name="a", content_type="image/png", visibility=PUBLIC))
    await objects.put(image.object_key, b"png", "image/png", "")
    answer = await anyone.get(f"/play/{image.playback_id}/source")
    assert (answer.status_code, answer.content, answer.headers["content-type"]) == (200, b"png", "image/png")
    assert answer.headers["cache-control"] == "public, max-age=3600"
    assert answer.headers["x-content-type-options"] == "nosniff"
    page = services.metadata.add(an_asset(tenant, file_name="a.svg", content_type="image/svg+xml", visibility=PUBLIC))
    page.object_key = image.object_key
    redirected = await anyone.get(f"/play/{page.playback_id}/source")
    saved = await anyone.get(redirected.headers["location"])
    assert saved.headers["content-type"] == "application/octet-stream"
