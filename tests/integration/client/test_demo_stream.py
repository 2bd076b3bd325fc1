"""The demo's player and judge on a real stream over HTTP, right and wrong."""

import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from local import demo_clip
from local.demo_judge import faults, heard_and_seen, look_at
from local.demo_player import StreamError, play
from local.demo_report import Report
from local.demo_run import Demo
from local.wheels import ffmpeg
from tests.fakes.api_state import KEY, FakeApi


class StoreAndDoor(SimpleHTTPRequestHandler):
    """Playlists at the door; everything else by a redirect to the store, as the gateway does it."""

    def do_GET(self) -> None:
        if self.path.endswith(".m3u8") or self.path.startswith("/store/"):
            self.path = self.path.removeprefix("/store")
            super().do_GET()
            return
        self.send_response(302)
        self.send_header("Location", f"/store{self.path}")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        return


@dataclass(frozen=True, slots=True)
class Stream:
    folder: Path
    url: str

    def edit(self, playlist: str, change: Callable[[str], str]) -> None:
        path = self.folder / playlist
        path.write_text(change(path.read_text()))


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return demo_clip.make_clip(tmp_path_factory.mktemp("clip") / "demo.mp4")


@pytest.fixture(scope="module")
def packaged(clip: Path) -> Path:
    """The same frames as an HLS stream, its sound beside it."""
    argv = [
        str(ffmpeg()),
        "-nostdin",
        "-loglevel",
        "error",
        "-i",
        clip.name,
        "-map",
        "0:v",
        "-map",
        "0:a",
        "-c",
        "copy",
    ]
    argv += ["-f", "hls", "-hls_segment_type", "fmp4", "-hls_time", "4", "-hls_playlist_type", "vod"]
    argv += ["-master_pl_name", "master.m3u8", "-var_stream_map", "v:0,agroup:sound a:0,agroup:sound"]
    subprocess.run([*argv, "hls/%v/playlist.m3u8"], cwd=clip.parent, check=True, timeout=60)
    return clip.parent / "hls"


@pytest.fixture
def stream(packaged: Path, tmp_path: Path) -> Iterator[Stream]:
    folder = shutil.copytree(packaged, tmp_path / "hls")
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(StoreAndDoor, directory=str(folder))) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield Stream(folder, f"http://127.0.0.1:{server.server_port}/master.m3u8")
        server.shutdown()
        thread.join()


def without_a_segment(playlist: str) -> str:
    lines = playlist.splitlines()
    at = next(number for number, line in enumerate(lines) if line.startswith("#EXTINF"))
    return "\n".join([*lines[:at], *lines[at + 2 :]])


def test_a_right_stream_has_no_faults(stream: Stream, clip: Path, tmp_path: Path) -> None:
    played = play(stream.url, tmp_path)
    seen = heard_and_seen(played)

    assert seen.picture is not None
    assert (seen.picture.frames, seen.picture.width, seen.picture.height) == (600, 1280, 720)
    assert played.audio is not None
    assert faults(look_at(clip), seen, played.variant) == []


def test_a_lost_segment_is_noticed(stream: Stream, clip: Path, tmp_path: Path) -> None:
    stream.edit("0/playlist.m3u8", without_a_segment)

    played = play(stream.url, tmp_path)

    assert "600 were expected" in faults(look_at(clip), heard_and_seen(played), played.variant)[0]


def test_lost_sound_is_noticed(stream: Stream, clip: Path, tmp_path: Path) -> None:
    stream.edit("1/playlist.m3u8", without_a_segment)

    played = play(stream.url, tmp_path)

    (fault,) = faults(look_at(clip), heard_and_seen(played), played.variant)
    assert fault.startswith("the sound takes")


def test_what_a_player_would_stumble_over(stream: Stream, tmp_path: Path) -> None:
    with pytest.raises(StreamError, match="404"):
        play(stream.url.replace("master", "nothing"), tmp_path)
    stream.edit("1/playlist.m3u8", lambda text: text.replace("#EXT-X-ENDLIST", ""))
    with pytest.raises(StreamError, match="no end"):
        play(stream.url, tmp_path)


def told(api: FakeApi, folder: Path, video: Path) -> tuple[Report, list[str]]:
    api.part_size = 1 << 20
    report, lines = Report(), list[str]()
    Demo(folder, report, lines.append).run(api.url, KEY, video)
    return report, lines


def test_the_demo_all_the_way(api: FakeApi, stream: Stream, clip: Path, tmp_path: Path) -> None:
    api.hls_url = stream.url

    report, _ = told(api, tmp_path, clip)

    body = report.as_json()
    assert (body["ok"], body["state"], body["hls_url"], body["error"]) == (True, "ready", stream.url, None)
    assert body["asset_id"] in api.assets
    assert all(body[name] > 0 for name in ("seconds_upload", "seconds_to_playable", "seconds_to_ready"))
    assert body["source"].items() >= {"file": str(clip), "frames": 600, "width": 1280, "frame_rate": 30.0}.items()
    assert body["decoded"].items() >= {"frames": 600, "duration": 20.0, "width": 1280, "monotonic": True}.items()


def test_the_demo_tells_why_an_asset_failed(api: FakeApi, tmp_path: Path) -> None:
    api.failure = {"code": "not_media", "message": "it is text"}
    video = tmp_path / "bad.mp4"
    video.write_text("no video")

    report, lines = told(api, tmp_path, video)

    assert (report.ok, report.state, report.error) == (False, "failed", api.failure)
    assert "failed: not_media: it is text" in lines
    assert report.as_json()["decoded"] is None


def test_the_demo_ends_when_the_stream_is_not_there(api: FakeApi, clip: Path, tmp_path: Path) -> None:
    report, _ = told(api, tmp_path, clip)

    assert not report.ok
    assert report.error is not None
    assert report.error["code"] == "bad_stream"
