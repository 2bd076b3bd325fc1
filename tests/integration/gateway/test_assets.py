"""Assets over HTTP."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from reelmesh.metadata.v1 import metadata_pb2

from meshkit.ids import new_id
from tests.fakes.gateway import an_asset, an_output

if TYPE_CHECKING:
    import httpx2

    from meshkit.objects import Objects
    from tests.fakes.gateway import FakeServices
    from tests.integration.gateway.conftest import Served

PUBLIC = metadata_pb2.Asset.VISIBILITY_PUBLIC
PREPARING = metadata_pb2.Output.STATE_PREPARING


@pytest.fixture
def asset(services: FakeServices, tenant: str) -> metadata_pb2.Asset:
    """Private and playable, in the making."""
    made = an_asset(tenant, playable=True, state=metadata_pb2.Asset.STATE_PROCESSING)
    prefix = f"assets/{made.id}/jobs/j1/"
    made.outputs.append(an_output("hls", f"{prefix}master.m3u8", state=PREPARING))
    made.outputs.append(an_output("dash", f"{prefix}manifest.mpd", state=PREPARING))
    made.outputs.append(an_output("poster", f"{prefix}poster/1.jpg"))
    made.outputs.append(an_output("sprite", "", state=PREPARING))
    made.outputs.append(an_output("file", "elsewhere/whole.mp4"))
    return services.metadata.add(made, prefix)


def urls(shown: dict[str, Any]) -> dict[str, str | None]:
    return {output["kind"]: output["url"] for output in shown["outputs"]}


async def test_a_private_asset_has_no_urls(http: httpx2.AsyncClient, asset: metadata_pb2.Asset) -> None:
    shown = (await http.get(f"/v1/assets/{asset.id}")).json()
    assert (shown["state"], shown["playable"], shown["visibility"]) == ("processing", True, "private")
    assert set(urls(shown).values()) == {None}
    assert shown["poster_url"] is None


async def test_a_public_asset_has_the_urls_that_play(
    http: httpx2.AsyncClient, asset: metadata_pb2.Asset, served: Served
) -> None:
    asset.visibility = PUBLIC
    base = f"{served.url}/play/{asset.playback_id}"
    shown = (await http.get(f"/v1/assets/{asset.id}")).json()
    assert urls(shown) == {
        "hls": f"{base}/master.m3u8",
        "dash": f"{base}/manifest.mpd",
        "poster": f"{base}/poster/1.jpg",
        "sprite": None,
        "file": None,
    }
    assert shown["poster_url"] == f"{base}/poster/1.jpg"
    asset.playable = False
    assert urls((await http.get(f"/v1/assets/{asset.id}")).json())["hls"] is None


async def test_an_unchanged_asset_is_not_sent_again(http: httpx2.AsyncClient, asset: metadata_pb2.Asset) -> None:
    etag = (await http.get(f"/v1/assets/{asset.id}")).headers["etag"]
    for condition, code in ((etag, 304), (f'"x", W/{etag}', 304), ("*", 304), ('"x"', 200)):
        answer = await http.get(f"/v1/assets/{asset.id}", headers={"If-None-Match": condition})
        assert (answer.status_code, answer.headers["etag"]) == (code, etag)


async def test_assets_are_asked_for_by_what_they_are(http: httpx2.AsyncClient, services: FakeServices) -> None:
    query = {"kind": "video", "state": "ready", "visibility": "public", "label.match_id": "42", "label.a.b": "x y"}
    answer = await http.get("/v1/assets", params=query | {"page_size": 7, "page_token": "t"})
    assert answer.json() == {"items": [], "next_page_token": None}
    wanted = services.metadata.requests[-1]
    assert (wanted.kind, wanted.state, wanted.visibility) == (1, 3, 2)
    assert dict(wanted.labels) == {"match_id": "42", "a.b": "x y"}
    assert (wanted.page_size, wanted.page_token) == (7, "t")


async def test_a_patch_changes_what_it_names(http: httpx2.AsyncClient, asset: metadata_pb2.Asset) -> None:
    asset.passthrough, asset.labels["a"] = "kept", "b"
    etag = f'"{asset.etag}"'
    body = {"visibility": "public", "labels": None}
    answer = await http.patch(f"/v1/assets/{asset.id}", json=body, headers={"If-Match": etag})
    shown = answer.json()
    assert (answer.status_code, shown["visibility"], shown["labels"]) == (200, "public", {})
    assert shown["passthrough"] == "kept"
    assert answer.headers["etag"] != etag
    late = await http.patch(f"/v1/assets/{asset.id}", json=body, headers={"If-Match": etag})
    assert (late.status_code, late.json()["code"]) == (412, "etag_mismatch")


@pytest.mark.parametrize("body", [{}, {"visibility": None}, {"file_name": ""}, {"state": "ready"}])
async def test_a_patch_of_nothing_or_of_what_is_not_yours(
    http: httpx2.AsyncClient, asset: metadata_pb2.Asset, body: dict[str, Any]
) -> None:
    answer = await http.patch(f"/v1/assets/{asset.id}", json=body)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_argument")


async def test_a_deleted_asset_says_so_and_gives_nothing_out(
    http: httpx2.AsyncClient, asset: metadata_pb2.Asset
) -> None:
    refused = await http.delete(f"/v1/assets/{asset.id}", headers={"If-Match": '"other"'})
    assert refused.status_code == 412
    assert (await http.delete(f"/v1/assets/{asset.id}")).status_code == 204
    assert (await http.get(f"/v1/assets/{asset.id}")).json()["state"] == "deleted"
    assert (await http.get(f"/v1/assets/{asset.id}/url")).status_code == 404
    assert (await http.get(f"/v1/assets/{asset.id}/playback")).status_code == 409


async def test_playback_of_a_public_asset_needs_no_token(
    http: httpx2.AsyncClient, asset: metadata_pb2.Asset, served: Served
) -> None:
    asset.visibility = PUBLIC
    base = f"{served.url}/play/{asset.playback_id}"
    assert (await http.get(f"/v1/assets/{asset.id}/playback")).json() == {
        "hls_url": f"{base}/master.m3u8",
        "dash_url": f"{base}/manifest.mpd",
        "poster_url": f"{base}/poster/1.jpg",
        "storyboard_url": None,
        "embed_url": None,
        "expires_at": None,
    }


async def test_playback_of_a_private_asset_is_signed(http: httpx2.AsyncClient, asset: metadata_pb2.Asset) -> None:
    answer = (await http.get(f"/v1/assets/{asset.id}/playback", params={"expires_in": 60})).json()
    left = datetime.fromisoformat(answer["expires_at"]) - datetime.now(UTC)
    assert 50 < left.total_seconds() <= 60
    assert answer["hls_url"].split("/play/")[1].count(".") == 3
    assert (await http.get(f"/v1/assets/{asset.id}/playback", params={"expires_in": 59})).status_code == 400


async def test_nothing_to_play_yet(http: httpx2.AsyncClient, services: FakeServices, tenant: str) -> None:
    asset = services.metadata.add(an_asset(tenant))
    answer = await http.get(f"/v1/assets/{asset.id}/playback")
    assert (answer.status_code, answer.json()["code"]) == (409, "not_playable")


async def test_the_source_is_given_out_by_url(
    http: httpx2.AsyncClient, anyone: httpx2.AsyncClient, asset: metadata_pb2.Asset, objects: Objects
) -> None:
    await objects.put(asset.object_key, b"0123456789", "video/mp4", "")
    answer = (await http.get(f"/v1/assets/{asset.id}/url", params={"expires_in": 120})).json()
    assert datetime.fromisoformat(answer["expires_at"]).utcoffset() is not None
    assert (await anyone.get(answer["url"], headers={"Range": "bytes=2-4"})).content == b"234"
    assert (await http.get(f"/v1/assets/{asset.id}/url", params={"expires_in": 604_801})).status_code == 400


async def test_a_download_keeps_its_name(
    http: httpx2.AsyncClient, anyone: httpx2.AsyncClient, asset: metadata_pb2.Asset, objects: Objects
) -> None:
    asset.file_name = 'Döner "final".mp4'
    await objects.put(asset.object_key, b"0123456789", "text/html", "")
    answer = await http.get(f"/v1/assets/{asset.id}/download")
    assert answer.status_code == 302
    saved = await anyone.get(answer.headers["location"])
    assert saved.content == b"0123456789"
    assert saved.headers["content-disposition"] == "attachment; filename*=UTF-8''D%C3%B6ner%20%22final%22.mp4"


async def test_assets_of_others_are_not_found(http: httpx2.AsyncClient, services: FakeServices) -> None:
    asset = services.metadata.add(an_asset(new_id()))
    for path in ("", "/playback", "/url", "/download"):
        answer = await http.get(f"/v1/assets/{asset.id}{path}")
        assert (answer.status_code, answer.json()["code"]) == (404, "asset_not_found")
    assert (await http.delete(f"/v1/assets/{asset.id}")).status_code == 404
