"""Presets over HTTP, and outputs that a job asks for one by one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from meshkit.ids import new_id

if TYPE_CHECKING:
    import httpx2

    from tests.fakes.gateway import FakeServices

RUNG = {"short_side": 720, "max_bit_rate": 2_000_000}
MINE: dict[str, Any] = {"description": "for phones", "video": [{"codec": "av1", "rungs": [RUNG]}], "audio": {}}


async def test_presets_are_listed(http: httpx2.AsyncClient) -> None:
    listed = (await http.get("/v1/presets")).json()
    assert [(each["name"], each["shipped"]) for each in listed["items"]] == [("default", True)]
    assert listed["next_page_token"] is None


async def test_a_preset_is_made_changed_and_deleted(http: httpx2.AsyncClient) -> None:
    made = await http.put("/v1/presets/phones", json=MINE)
    assert (made.status_code, made.json()["shipped"]) == (201, False)
    assert made.json()["video"][0]["rungs"][0] == {
        **dict.fromkeys(("width", "height", "bit_rate", "crf", "container")),
        **RUNG,
        "fit": "contain",
        "upscale": False,
    }
    got = await http.get("/v1/presets/phones")
    assert (got.json(), got.headers["etag"]) == (made.json(), made.headers["etag"])
    if_match = {"If-Match": made.headers["etag"]}
    changed = await http.put("/v1/presets/phones", json=MINE | {"frame_rate": 25}, headers=if_match)
    assert (changed.status_code, changed.json()["frame_rate"]) == (200, 25.0)
    stale = await http.put("/v1/presets/phones", json=MINE, headers=if_match)
    assert (stale.status_code, stale.json()["code"]) == (412, "etag_mismatch")
    assert (await http.delete("/v1/presets/phones", headers=if_match)).status_code == 412
    assert (await http.delete("/v1/presets/phones")).status_code == 204
    assert (await http.get("/v1/presets/phones")).status_code == 404


async def test_a_preset_says_what_is_edited_and_how_loud_it_comes(http: httpx2.AsyncClient) -> None:
    edits = {"trim": {"max_duration": 30}, "intro_asset_id": new_id()}
    audio = {"bit_rate": 96_000, "loudness": -16}
    made = await http.put("/v1/presets/show", json=MINE | {"audio": audio, "edits": edits})
    assert made.status_code == 201, made.text
    told = made.json()
    assert told["edits"]["trim"] == {"start": 0.0, "end": None, "max_duration": 30.0}
    assert (told["edits"]["intro_asset_id"], told["edits"]["outro_asset_id"]) == (edits["intro_asset_id"], None)
    assert told["audio"]["loudness"] == -16
    as_it_came = await http.put("/v1/presets/show", json=MINE | {"audio": {"loudness": None}})
    assert (as_it_came.json()["audio"]["loudness"], as_it_came.json()["edits"]) == (None, None)


async def test_a_preset_says_what_becomes_of_images_and_posters(http: httpx2.AsyncClient) -> None:
    sizes = [{"name": "tile", "side": 320}]
    made = await http.put("/v1/presets/shop", json={"image": {"quality": 60, "sizes": sizes}, "poster": {"second": 0}})
    assert made.status_code == 201, made.text
    assert made.json()["image"] == {"format": "webp", "quality": 60, "still": False, "sizes": sizes}
    assert made.json()["poster"] == {"second": 0.0}
    chosen = await http.put("/v1/presets/shop", json={"poster": {}})
    assert (chosen.json()["image"], chosen.json()["poster"]) == (None, {"second": None})


async def test_what_is_shipped_stays(http: httpx2.AsyncClient) -> None:
    for answer in (await http.put("/v1/presets/default", json=MINE), await http.delete("/v1/presets/default")):
        assert (answer.status_code, answer.json()["code"]) == (409, "preset_read_only")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"colour": "red"}, "colour"),
        (MINE | {"video": [{"codec": "theora", "rungs": [RUNG]}]}, "video.0.codec"),
        (MINE | {"video": [{"codec": "av1", "rungs": []}]}, "video.0.rungs"),
        (MINE | {"gop_seconds": "long"}, "gop_seconds"),
        (MINE | {"gop_seconds": 5}, "preset"),
        (MINE | {"video": [{"codec": "av1", "speed": "fast", "rungs": [RUNG]}]}, "video"),
        ({"image": {"sizes": [{"name": "a/b", "side": 320}]}}, "image.sizes.0.name"),
        ({}, "preset"),
    ],
)
async def test_a_preset_that_cannot_be(http: httpx2.AsyncClient, body: dict[str, Any], field: str) -> None:
    answer = await http.put("/v1/presets/mine", json=body)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, field)


async def test_a_job_says_what_to_make(http: httpx2.AsyncClient, services: FakeServices) -> None:
    outputs = [
        {"video": {"width": 1280, "height": 720, "bit_rate": 2_000_000, "frame_rate": 25}, "container": "mp4"},
        {"video": {"codec": "av1", "height": 360, "crf": 40}, "kind": "file", "audio": {"loudness": None}},
    ]
    answer = await http.post("/v1/jobs", json={"asset_id": new_id(), "outputs": outputs})
    assert answer.status_code == 202
    recipe = services.transcode.requests[-1].recipe
    assert (recipe.frame_rate, recipe.stream, recipe.audio.codec) == (25, False, "aac")
    assert (recipe.audio.keep_loudness, recipe.audio.HasField("loudness")) == (True, False)
    assert [(video.codec, video.rungs[0].container) for video in recipe.video] == [("h264", "mp4"), ("av1", "mp4")]
    assert (recipe.video[0].rungs[0].bit_rate, recipe.video[1].rungs[0].crf) == (2_000_000, 40)


@pytest.mark.parametrize(
    ("outputs", "field"),
    [
        ([], "outputs"),
        ([{"kind": "hls"}], "outputs.0.video"),
        ([{"video": {"codec": "theora"}}], "outputs.0.video.codec"),
        ([{"video": {}, "container": "m4a"}], "outputs.0.container"),
        ([{"video": {}}, {"video": {}, "container": "mp4"}], "outputs.1.kind"),
        ([{"video": {"frame_rate": 25}}, {"video": {"frame_rate": 30}}], "outputs.1.frame_rate"),
        ([{"video": {"crf": 20, "bit_rate": 100_000}}], "video.rungs"),
        ([{"video": {"codec": "h264"}, "container": "webm"}], "recipe"),
    ],
)
async def test_outputs_that_cannot_be(http: httpx2.AsyncClient, outputs: list[Any], field: str) -> None:
    answer = await http.post("/v1/jobs", json={"asset_id": new_id(), "outputs": outputs})
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, field)
