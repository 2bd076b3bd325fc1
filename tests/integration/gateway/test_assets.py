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


async def test_a_private_asset_shows_its_poster_for_a_while(
    http: httpx2.AsyncClient, anyone: httpx2.AsyncClient, asset: metadata_pb2.Asset, objects: Objects
) -> None:
    await objects.put(f"{asset.object_prefix}poster/1.jpg", b"a picture", "image/jpeg", "no-store")
    url = (await http.get(f"/v1/assets/{asset.id}")).json()["poster_url"]
    answer = await anyone.get(url)
    assert (answer.status_code, answer.content, answer.headers["content-type"]) == (200, b"a picture", "image/jpeg")
    [listed] = [each for each in (await http.get("/v1/assets")).json()["items"] if each["id"] == asset.id]
    assert (await anyone.get(listed["poster_url"])).content == b"a picture"
    assert (await anyone.get(url.partition("?")[0])).status_code == 403


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


async def test_assets_are_asked_for_by_name_time_and_order(http: httpx2.AsyncClient, services: FakeServices) -> None:
    query = {"name": "Fin", "created_after": "2026-01-01T02:00:00+02:00", "created_before": "2027-01-01T00:00:00Z"}
    assert (await http.get("/v1/assets", params=query | {"order_by": "file_name desc"})).status_code == 200
    wanted = services.metadata.requests[-1]
    assert (wanted.name, wanted.order_by) == ("Fin", "file_name desc")
    assert wanted.created_after.ToJsonString() == "2026-01-01T00:00:00Z"
    assert wanted.created_before.ToJsonString() == "2027-01-01T00:00:00Z"


@pytest.mark.parametrize(
    "query",
    [
        {"order_by": "secret"},
        {"order_by": "size; drop"},
        {"name": "a\0"},
        {"name": "n" * 256},
        {"created_after": "2026-01-01T00:00:00"},
        {"created_after": "0001-01-01T00:00:00+14:00"},
        {"created_before": "yesterday"},
    ],
)
async def test_a_wrong_question_is_named(http: httpx2.AsyncClient, query: dict[str, str]) -> None:
    answer = await http.get("/v1/assets", params=query)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_argument")
    assert [each["field"] for each in answer.json()["errors"]] == list(query)


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
    assert (await http.get(f"/v1/assets/{asset.id}/playback")).status_code == 404


async def test_playback_of_a_public_asset_needs_no_token(
    http: httpx2.AsyncClient, asset: metadata_pb2.Asset, served: Served
) -> None:
    asset.visibility = PUBLIC
    base = f"{served.url}/play/{asset.playback_id}"
    told = (await http.get(f"/v1/assets/{asset.id}/playback")).json()
    assert {each["kind"]: each["url"] for each in told.pop("outputs")} == {
        "hls": f"{base}/master.m3u8",
        "dash": f"{base}/manifest.mpd",
        "poster": f"{base}/poster/1.jpg",
        "sprite": None,
        "file": None,
    }
    assert told == {
        "hls_url": f"{base}/master.m3u8",
        "dash_url": f"{base}/manifest.mpd",
        "poster_url": f"{base}/poster/1.jpg",
        "storyboard_url": None,
        "embed_url": f"{served.url}/embed/{asset.playback_id}",
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


async def test_a_restored_asset_is_there_again(http: httpx2.AsyncClient, asset: metadata_pb2.Asset) -> None:
    await http.delete(f"/v1/assets/{asset.id}")
    refused = await http.post(f"/v1/assets/{asset.id}/restore", headers={"If-Match": '"other"'})
    assert (refused.status_code, refused.json()["code"]) == (412, "etag_mismatch")
    answer = await http.post(f"/v1/assets/{asset.id}/restore")
    assert (answer.status_code, answer.json()["state"]) == (200, "ready")


async def test_a_hard_deleted_asset_is_no_more(http: httpx2.AsyncClient, asset: metadata_pb2.Asset) -> None:
    assert (await http.delete(f"/v1/assets/{asset.id}", params={"hard": "true"})).status_code == 204
    assert (await http.get(f"/v1/assets/{asset.id}")).status_code == 404


async def test_an_asset_has_a_history(http: httpx2.AsyncClient, asset: metadata_pb2.Asset) -> None:
    answer = (await http.get(f"/v1/assets/{asset.id}/events", params={"page_token": "t"})).json()
    [event] = answer["items"]
    assert (event["type"], event["state"], event["changed"]) == ("asset.created", "processing", ["labels"])
    assert (event["subject"], event["job_id"], event["error_code"]) == (None, None, None)
    assert answer["next_page_token"] == "t"


async def test_a_vote_changes_what_is_shown_and_no_condition(
    http: httpx2.AsyncClient, asset: metadata_pb2.Asset
) -> None:
    path = f"/v1/assets/{asset.id}"
    refused = await http.put(f"{path}/vote")
    assert (refused.status_code, refused.json()["code"]) == (409, "not_public")
    asset.visibility = PUBLIC
    etag = (await http.get(path)).headers["etag"]
    for _ in range(2):
        assert (await http.put(f"{path}/vote")).json() == {"asset_id": asset.id, "votes": 1, "voted": True}
    shown = await http.get(path, headers={"If-None-Match": etag})
    assert (shown.status_code, shown.json()["votes"]) == (200, 1)
    voted = shown.headers["etag"]
    assert (await http.get(path, headers={"If-None-Match": voted})).status_code == 304
    assert (await http.patch(path, json={"passthrough": "x"}, headers={"If-Match": voted})).status_code == 200
    assert (await http.delete(f"{path}/vote")).json() == {"asset_id": asset.id, "votes": 0, "voted": False}


async def test_rankings_are_of_public_assets_with_a_label(http: httpx2.AsyncClient, services: FakeServices) -> None:
    query = {"label.athlete_id": "7", "kind": "video", "page_size": "3", "page_token": "t"}
    assert (await http.get("/v1/rankings", params=query)).json()["items"] == []
    wanted = services.metadata.requests[-1]
    assert (wanted.order_by, wanted.visibility, wanted.kind) == ("votes desc", PUBLIC, 1)
    assert (dict(wanted.labels), wanted.page_size, wanted.page_token) == ({"athlete_id": "7"}, 3, "t")


async def test_a_tenant_says_how_long_things_are_kept(http: httpx2.AsyncClient) -> None:
    assert (await http.get("/v1/retention")).json() == {"original_days": None, "deleted_days": 30}
    wanted = {"original_days": 0, "deleted_days": None}
    assert (await http.put("/v1/retention", json=wanted)).json() == wanted
    assert (await http.get("/v1/retention")).json() == wanted
    for wrong in ({"original_days": 1}, wanted | {"deleted_days": -1}, wanted | {"deleted_days": 1 << 40}):
        assert (await http.put("/v1/retention", json=wrong)).status_code == 400


async def test_assets_of_others_are_not_found(http: httpx2.AsyncClient, services: FakeServices) -> None:
    asset = services.metadata.add(an_asset(new_id()))
    for path in ("", "/playback", "/url", "/download", "/stream", "/events"):
        answer = await http.get(f"/v1/assets/{asset.id}{path}")
        assert (answer.status_code, answer.json()["code"]) == (404, "asset_not_found")
    assert (await http.delete(f"/v1/assets/{asset.id}")).status_code == 404
