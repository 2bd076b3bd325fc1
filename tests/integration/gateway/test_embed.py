"""The page with a player, as a browser asks for it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest_asyncio
from reelmesh.metadata.v1 import metadata_pb2

from meshkit.ids import new_id
from tests.fakes.gateway import an_asset, an_output, playback_token

if TYPE_CHECKING:
    import httpx2

    from meshkit.settings import S3Settings
    from tests.fakes.gateway import FakeServices


@pytest_asyncio.fixture(loop_scope="session")
async def asset(services: FakeServices) -> metadata_pb2.Asset:
    """Public, and finished."""
    asset = an_asset(new_id(), playable=True, visibility=metadata_pb2.Asset.VISIBILITY_PUBLIC)
    asset.file_name = '"><script>alert(1)</script>.mp4'
    prefix = f"assets/{asset.id}/jobs/j1/"
    for kind, name in (("hls", "master.m3u8"), ("poster", "poster.jpg")):
        asset.outputs.append(an_output(kind, prefix + name))
    return services.metadata.add(asset, prefix)


async def test_a_page_plays_the_stream(
    anyone: httpx2.AsyncClient, asset: metadata_pb2.Asset, s3_settings: S3Settings
) -> None:
    page = await anyone.get(f"/embed/{asset.playback_id}")
    assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert f'data-hls="/play/{asset.playback_id}/master.m3u8"' in page.text
    assert f'poster="/play/{asset.playback_id}/poster.jpg"' in page.text
    assert "<script>alert" not in page.text
    assert not re.findall(r"(?:https?:)?//[a-z]", page.text)
    policy = page.headers["content-security-policy"]
    assert f"connect-src 'self' {s3_settings.s3_public_endpoint_url};" in policy
    assert "'unsafe" not in policy
    for path in re.findall(r'(?:src|href)="(/[^"]+)"', page.text):
        assert (await anyone.get(path)).status_code == 200


async def test_a_private_one_needs_its_token(anyone: httpx2.AsyncClient, asset: metadata_pb2.Asset) -> None:
    asset.visibility = metadata_pb2.Asset.VISIBILITY_PRIVATE
    assert (await anyone.get(f"/embed/{asset.playback_id}")).status_code == 404
    token = playback_token(asset.playback_id, asset.tenant_id)
    page = await anyone.get(f"/embed/{token}")
    assert f'data-hls="/play/{token}/master.m3u8"' in page.text
    assert (await anyone.get("/embed/a.forged.token")).status_code == 401


async def test_what_has_no_stream_has_no_page(anyone: httpx2.AsyncClient, asset: metadata_pb2.Asset) -> None:
    del asset.outputs[0]
    answer = await anyone.get(f"/embed/{asset.playback_id}")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
