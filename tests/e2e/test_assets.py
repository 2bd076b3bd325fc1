"""An asset's life as its owner sees it, from the first byte to the last."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from io import BytesIO
from typing import TYPE_CHECKING

import httpx2
import pytest
from PIL import Image

from meshkit.objects import Objects
from meshkit.settings import S3Settings
from tests.e2e.journey import sent
from tests.eventually import eventually

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from reelmesh_client import Client

    from local.mesh import RunningMesh
    from tests.clips import Clips


@pytest.fixture
async def http(mesh: RunningMesh) -> AsyncIterator[httpx2.AsyncClient]:
    headers = {"Authorization": f"Bearer {mesh.api_key}"}
    async with httpx2.AsyncClient(base_url=mesh.url, headers=headers, timeout=20) as client:
        yield client


@pytest.fixture
def objects(mesh: RunningMesh) -> Objects:
    infra = mesh.infra
    return Objects(
        S3Settings(
            s3_endpoint_url=infra.s3_endpoint_url,
            s3_public_endpoint_url=infra.s3_endpoint_url,
            s3_bucket=infra.s3_bucket,
            s3_access_key_id=infra.s3_access_key_id,
            s3_secret_access_key=infra.s3_secret_access_key,
        )
    )


async def kept(objects: Objects, folder: str) -> list[str]:
    """Keys of what lies there."""
    listed = await asyncio.to_thread(objects._s3.list_objects_v2, Bucket=objects.bucket, Prefix=folder)
    return [each["Key"] for each in listed.get("Contents", [])]


async def pictures_are_shown(http: httpx2.AsyncClient, asset_id: str) -> None:
    """Of a private video, to whoever has the URLs."""
    own = (await http.get(f"/v1/assets/{asset_id}")).json()["poster_url"]
    told = (await http.get(f"/v1/assets/{asset_id}/playback")).json()
    async with httpx2.AsyncClient() as anyone:
        poster = await anyone.get(told["poster_url"])
        storyboard = await anyone.get(told["storyboard_url"])
        tiles = await anyone.get(str(httpx2.URL(told["storyboard_url"]).join("storyboard.jpg")))
        assert (await anyone.get(own)).content == poster.content
    assert (storyboard.headers["content-type"], storyboard.text[:6]) == ("text/vtt", "WEBVTT")
    for picture, size in ((poster, (640, 360)), (tiles, (160 * 4, 90))):
        assert (picture.status_code, picture.headers["x-content-type-options"]) == (200, "nosniff")
        assert picture.headers["content-type"] == "image/jpeg"
        with Image.open(BytesIO(picture.content)) as shown:
            assert (shown.format, shown.size) == ("JPEG", size)


async def test_of_a_hard_deleted_asset_nothing_is_left(
    http: httpx2.AsyncClient, client: Client, clips: Clips, objects: Objects
) -> None:
    clip = clips.barcoded("life.mp4", frames=60)
    asset = await sent(client, clip, labels={"athlete_id": "7"})
    path = f"/v1/assets/{asset.id}"
    body = clip.read_bytes()
    folder = f"athletes/7/{datetime.now(UTC).year}/{asset.id}/"
    assert (asset.state, asset.error) == ("ready", None)
    assert {f"{folder}source"} < set(await kept(objects, folder))
    assert (await http.get(f"{path}/stream", headers={"Range": "bytes=100-199"})).content == body[100:200]
    assert (await http.put(f"{path}/vote")).status_code == 409
    public = (await http.patch(path, json={"visibility": "public"})).json()
    assert (await http.put(f"{path}/vote")).json()["votes"] == 1
    ranked = (await http.get("/v1/rankings", params={"label.athlete_id": "7"})).json()["items"]
    assert [(each["id"], each["votes"]) for each in ranked] == [(asset.id, 1)]
    shared = f"/play/{public['playback_id']}/source"
    async with httpx2.AsyncClient(base_url=str(http.base_url), follow_redirects=True) as anyone:
        assert (await anyone.get(shared)).content == body

    assert (await http.delete(path)).status_code == 204
    assert (await http.post(f"{path}/restore")).json()["state"] == "ready"
    told = [event["type"] for event in (await http.get(f"{path}/events")).json()["items"]]
    assert (told[:3], told[-1]) == (["asset.restored", "asset.deleted", "asset.updated"], "asset.created")

    assert (await http.delete(path, params={"hard": "true"})).status_code == 204
    assert (await http.get(path)).status_code == 404

    async def gone() -> bool:
        jobs = (await http.get("/v1/jobs", params={"asset_id": asset.id})).json()["items"]
        return not jobs and not await kept(objects, folder)

    await eventually(gone, within=30)


async def test_an_asset_restored_halfway_is_made_anew(http: httpx2.AsyncClient, client: Client, clips: Clips) -> None:
    clip = clips.made("long.mp4", "-f", "lavfi", "-i", "testsrc2=s=640x360:r=30:d=8", "-preset", "ultrafast")
    asset_id = client.upload_file(clip)
    path = f"/v1/assets/{asset_id}"

    async def begun() -> bool:
        jobs = (await http.get("/v1/jobs", params={"asset_id": asset_id})).json()["items"]
        return any(job["state"] == "running" for job in jobs)

    await eventually(begun, within=20)
    assert (await http.delete(path)).status_code == 204
    assert (await http.post(f"{path}/restore")).json()["state"] == "uploaded"

    async def ready() -> bool:
        return bool((await http.get(path)).json()["state"] == "ready")

    await eventually(ready, within=60)
    jobs = (await http.get("/v1/jobs", params={"asset_id": asset_id})).json()["items"]
    assert [job["state"] for job in jobs] == ["succeeded", "cancelled"]
    await pictures_are_shown(http, asset_id)


async def test_an_image_becomes_its_sizes(http: httpx2.AsyncClient, client: Client, clips: Clips) -> None:
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = 6, "SECRETCAM"
    body = BytesIO()
    Image.linear_gradient("L").resize((1200, 1600)).save(body, "JPEG", exif=exif)
    asset = await sent(client, clips.written("photo.jpg", body.getvalue()))
    shown = (await http.get(f"/v1/assets/{asset.id}")).json()
    assert (shown["state"], shown["kind"], shown["error"]) == ("ready", "image", None)
    assert [shown["media"][each] for each in ("width", "height", "video_codec")] == [1600, 1200, "mjpeg"]
    told = (await http.get(f"/v1/assets/{asset.id}/playback")).json()
    assert told["hls_url"] is None
    sizes = {"thumb.webp": (320, 240), "medium.webp": (1024, 768), "large.webp": (1600, 1200)}
    assert {each["name"]: (each["width"], each["height"]) for each in told["outputs"]} == sizes
    async with httpx2.AsyncClient() as anyone:
        for output in told["outputs"]:
            picture = await anyone.get(output["url"])
            assert (picture.headers["content-type"], picture.headers["x-content-type-options"]) == (
                "image/webp",
                "nosniff",
            )
            assert b"SECRET" not in picture.content
            with Image.open(BytesIO(picture.content)) as opened:
                assert (opened.format, opened.size) == ("WEBP", sizes[output["name"]])
        medium = next(each for each in told["outputs"] if each["name"] == "medium.webp")
        assert (await anyone.get(shown["poster_url"])).content == (await anyone.get(medium["url"])).content
