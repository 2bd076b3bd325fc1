"""Queries and headers as the services are asked, and what players are told."""

from __future__ import annotations

import pytest
from pydantic import ValidationError
from reelmesh.metadata.v1 import metadata_pb2

from meshkit.errors import InvalidArgument
from services.gateway import links, wire
from services.gateway.bodies import AssetPatch
from services.gateway.links import Links
from services.gateway.upload_bodies import UploadRequest
from tests.fakes.gateway import an_asset, an_output

PREPARING = metadata_pb2.Output.STATE_PREPARING


def test_labels_are_asked_for_by_name() -> None:
    query = [("label.match_id", "42"), ("kind", "video"), ("label.a.b", ""), ("labels.x", "y")]
    assert wire.to_labels(query) == {"match_id": "42", "a.b": ""}


@pytest.mark.parametrize(
    "query", [[("label.", "x")], [("label.a", "1"), ("label.a", "2")], [("label.a", "\0")], [("label.\0", "a")]]
)
def test_a_label_that_cannot_be_asked_for_is_named(query: list[tuple[str, str]]) -> None:
    with pytest.raises(InvalidArgument) as caught:
        wire.to_labels(query)
    assert caught.value.fields[0].field == query[-1][0]


def test_labels_are_compared_in_brackets() -> None:
    query = [("label.a.b[gte]", "1.5"), ("label.a[lt]", "-3"), ("label.a", "x"), ("kind", "video")]
    bounds = [(each.name, each.comparison, each.number) for each in wire.to_bounds(query)]
    names = metadata_pb2.LabelBound
    assert bounds == [("a.b", names.COMPARISON_GTE, "1.5"), ("a", names.COMPARISON_LT, "-3")]
    assert wire.to_labels(query) == {"a": "x"}
    with pytest.raises(InvalidArgument) as caught:
        wire.to_bounds([("label.a[gt]", "many")])
    assert caught.value.fields[0].field == "label.a[gt]"


def test_labels_may_be_numbers() -> None:
    said = {"a": 123, "b": 1.50, "c": True, "d": "007", "e": 2.0, "f": 1e20}
    labels = UploadRequest.model_validate({"file_name": "a", "size": 1, "labels": said}).labels
    assert labels == {"a": "123", "b": "1.5", "c": "true", "d": "007", "e": "2", "f": "1" + "0" * 20}
    wrongs: list[object] = [None, [], 10**300]
    for wrong in wrongs:
        with pytest.raises(ValidationError):
            UploadRequest.model_validate({"file_name": "a", "size": 1, "labels": {"a": wrong}})


@pytest.mark.parametrize(
    ("if_match", "etag"),
    [(None, ""), ("*", ""), ('"abc"', "abc"), (' "abc" ', "abc"), ('""', "-"), ("x" * 99, "x" * 64)],
)
def test_if_match_is_one_etag(if_match: str | None, etag: str) -> None:
    assert wire.to_etag(if_match) == etag


def test_several_etags_are_refused() -> None:
    with pytest.raises(InvalidArgument):
        wire.to_etag('"a", "b"')


def test_types_come_in_one_or_in_several() -> None:
    assert wire.to_types(["asset.ready, job.failed,", "job.started"]) == ["asset.ready", "job.failed", "job.started"]


def test_an_upload_is_private_unless_it_says_otherwise() -> None:
    request = wire.to_create_upload(UploadRequest(file_name="a", size=1), "key", file_name="a", size=1)
    assert (request.visibility, request.request_id, request.content_type) == (1, "key", "")


def test_a_patch_masks_what_it_names() -> None:
    body = AssetPatch.model_validate({"labels": None, "passthrough": "x"})
    request = wire.to_update_asset("id", body, "e")
    assert list(request.update_mask.paths) == ["labels", "passthrough"]
    assert (dict(request.labels), request.passthrough, request.etag) == ({}, "x", "e")


@pytest.mark.parametrize(
    ("output", "path"),
    [
        (an_output("hls", "a/j/master.m3u8"), "master.m3u8"),
        (an_output("hls", "a/j/master.m3u8", PREPARING), "master.m3u8"),
        (an_output("poster", "a/j/p/1.jpg"), "p/1.jpg"),
        (an_output("poster", "a/j/p/1.jpg", PREPARING), ""),
        (an_output("poster", "a/jj/1.jpg"), ""),
        (an_output("sprite", ""), ""),
    ],
)
def test_a_path_is_told_of_what_is_there(output: metadata_pb2.Output, path: str) -> None:
    assert links.path(output, "a/j/", playable=True) == path


def test_nothing_is_told_of_what_does_not_play_yet() -> None:
    assert links.path(an_output("hls", "a/j/master.m3u8", PREPARING), "a/j/", playable=False) == ""
    assert links.path(an_output("hls", "a/j/master.m3u8"), "", playable=True) == ""


def test_urls_are_absolute_and_only_of_what_is_public() -> None:
    asset = an_asset("t", playable=True, outputs=[an_output("hls", "a/j/master.m3u8")], object_prefix="a/j/")
    urls = Links("https://video.example/")
    assert wire.from_asset(asset, urls)["outputs"][0]["url"] is None
    asset.visibility = metadata_pb2.Asset.VISIBILITY_PUBLIC
    told = wire.from_asset(asset, urls)["outputs"][0]["url"]
    assert told == f"https://video.example/play/{asset.playback_id}/master.m3u8"


def named(output: metadata_pb2.Output) -> metadata_pb2.Output:
    output.name = output.object_key.rpartition("/")[2]
    return output


def test_a_picture_stands_for_itself_and_a_poster_for_its_video() -> None:
    thumb, medium = (named(an_output("image", f"a/j/t/{name}.webp")) for name in ("thumb", "medium"))
    errored = an_output("poster", "", metadata_pb2.Output.STATE_ERRORED)
    assert links.picture([thumb, medium]) == medium
    assert links.picture([medium, an_output("poster", "a/j/t/poster.jpg")]).kind == "poster"  # type: ignore[union-attr]
    assert links.picture([thumb, errored]) is None


def test_a_storyboard_is_the_text_beside_its_pictures() -> None:
    sheet, text = (named(an_output("sprite", f"a/j/t/storyboard.{ending}")) for ending in ("jpg", "vtt"))
    told = wire.from_playback([sheet, text], "a/j/", "token", Links("https://video.example"))
    assert told["storyboard_url"] == "https://video.example/play/token/t/storyboard.vtt"
    assert [each["url"].rpartition("/")[2] for each in told["outputs"]] == ["storyboard.jpg", "storyboard.vtt"]
    assert told["hls_url"] is None


def test_a_private_picture_is_signed_for_a_while() -> None:
    asset = an_asset("t", outputs=[an_output("poster", "a/j/t/poster.jpg")], object_prefix="a/j/")
    urls = Links("https://video.example", lambda key: f"https://store.example/{key}?signed")
    assert wire.from_asset(asset, urls)["poster_url"] == "https://store.example/a/j/t/poster.jpg?signed"
    assert wire.from_asset(asset, Links("https://video.example"))["poster_url"] is None
    asset.state = metadata_pb2.Asset.STATE_DELETED
    assert wire.from_asset(asset, urls)["poster_url"] is None
    asset.state, asset.object_prefix = metadata_pb2.Asset.STATE_READY, "a/other/"
    assert wire.from_asset(asset, urls)["poster_url"] is None
