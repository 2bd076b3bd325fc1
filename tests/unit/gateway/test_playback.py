"""Which keys a player can reach, and what its files are."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meshkit.errors import NotFound
from services.gateway import delivery
from services.gateway.playback import Playback, media_type, object_key, refers
from tests.fakes.gateway import an_output


@pytest.mark.parametrize("prefix", ["a/j/", "a/j"])
def test_a_key_is_the_path_below_the_prefix(prefix: str) -> None:
    assert object_key(prefix, "720p/init-1.2_3.mp4") == "a/j/720p/init-1.2_3.mp4"


@pytest.mark.parametrize(
    "path",
    ["", "/", "/x", "x/", "a//b", "..", "../x", "a/../b", ".", "a/.", "a\\b", "a b", "a%2e", "é", "a\n", "a\0", "a?b"],
)
def test_a_path_that_could_lead_elsewhere_is_nothing(path: str) -> None:
    with pytest.raises(NotFound):
        object_key("a/j/", path)


def test_without_a_prefix_there_is_nothing() -> None:
    with pytest.raises(NotFound):
        object_key("", "master.m3u8")


@given(st.text(alphabet="ab./\\%_- ", max_size=20))
def test_every_key_is_below_the_prefix(path: str) -> None:
    try:
        key = object_key("a/j/", path)
    except NotFound:
        return
    assert key.startswith("a/j/")
    assert not {"", ".", ".."} & set(key.split("/"))


def test_what_lies_beside_another_jobs_stream_is_its() -> None:
    outputs = (
        an_output("hls", "a/jobs/1/m.m3u8"),
        an_output("hls", "a/jobs/2/m.m3u8"),
        an_output("file", "a/jobs/3/f/x"),
    )
    playback = Playback(tenant_id="", public=True, prefix="a/jobs/1/", outputs=outputs)
    assert playback.key("v/0.m4s") == "a/jobs/1/v/0.m4s"
    assert playback.key("jobs/2/v/0.m4s") == "a/jobs/2/v/0.m4s"
    assert playback.key("jobs/3/f/x") == "a/jobs/3/f/x"
    assert playback.key("jobs/3/f/y") == "a/jobs/1/jobs/3/f/y"
    with pytest.raises(NotFound):
        playback.key("jobs/2/../3")


def test_files_are_what_their_endings_say_and_never_pages() -> None:
    assert media_type("v/master.M3U8") == "application/vnd.apple.mpegurl"
    assert media_type("a.mpd") == "application/dash+xml"
    for path in ("a.html", "a.svg", "a.js", "a", "a.m4s.html"):
        assert media_type(path) == "application/octet-stream"


def test_playlists_name_other_files() -> None:
    assert [path for path in ("a.m3u8", "a.mpd", "t/s.vtt", "a.m4s", "m3u8/a.mp4", "a.jpg") if refers(path)] == [
        "a.m3u8",
        "a.mpd",
        "t/s.vtt",
    ]


def test_playlists_are_settled_when_no_stream_grows() -> None:
    outputs = (an_output("hls", "a/x"), an_output("poster", "", state=1), an_output("hls", "b/x", state=1))
    assert Playback(tenant_id="", public=True, prefix="a", outputs=outputs).settled
    assert not Playback(
        tenant_id="", public=True, prefix="a", outputs=(*outputs, an_output("dash", "a/x", state=1))
    ).settled


@pytest.mark.parametrize(
    ("condition", "matching"),
    [("", False), ('"e"', True), ('W/"e"', True), ('"x", "e"', True), ("*", True), ('"ee"', False), ("e", True)],
)
def test_if_none_match(condition: str, matching: bool) -> None:
    assert delivery.matches(condition, '"e"') is matching
