"""One video all the way, as a user with the client and a player would take it."""

import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import av
from reelmesh_client import Client, ClientError, Standing

from local.demo_clip import make_clip
from local.demo_judge import Judged, faults, heard_and_seen, look_at
from local.demo_player import StreamError, play
from local.demo_report import Report, source_facts, stream_facts
from local.errors import LocalError

STALLED_AFTER = 300.0
"""Seconds without any progress after which nobody waits on."""

Say = Callable[[str], None]


class Demo:
    def __init__(self, folder: Path, report: Report, say: Say) -> None:
        self._folder = folder
        self._report = report
        self._say = say

    def run(self, url: str, api_key: str, video: Path | None) -> None:
        """Never raises for what goes wrong with the mesh or the video: the report says it."""
        try:
            file = video or self._clip()
            source = self._source(file)
            with Client(url, api_key) as client:
                if self._uploaded(client, file) and source:
                    self._play(client, source)
        except ClientError as error:
            self._failed(
                self._report.state, error.code, f"{error}{f' (trace {error.trace_id})' * bool(error.trace_id)}"
            )
        except StreamError as error:
            self._failed(self._report.state, "bad_stream", str(error))
        except (av.FFmpegError, LocalError, OSError) as error:
            self._failed(self._report.state, "demo_failed", f"{type(error).__name__}: {error}")

    def _clip(self) -> Path:
        self._say("making a clip: 1280x720, 30 frames a second, 20 seconds")
        return make_clip(self._folder / "demo.mp4")

    def _source(self, file: Path) -> Judged | None:
        try:
            source = look_at(file)
        except av.FFmpegError as error:
            self._say(f"the file does not decode here ({error}): let the mesh say what is wrong with it")
            source = None
        self._report.source = source_facts(file, source)
        if source and source.picture:
            picture = source.picture
            size = f"{picture.width}x{picture.height}"
            self._say(f"source: {file}: {picture.frames} frames, {picture.duration:.2f} s, {size}")
        return source

    def _uploaded(self, client: Client, file: Path) -> bool:
        """Whether it came to be ready."""
        self._report.state = "uploading"
        began = time.monotonic()
        self._report.asset_id = client.upload_file(file)
        uploaded = time.monotonic()
        self._report.state = "uploaded"
        self._report.seconds_upload = uploaded - began
        self._say(f"uploaded as asset {self._report.asset_id} in {uploaded - began:.2f} s")
        standing = self._settled(client, self._report.asset_id, uploaded)
        if standing.failure:
            self._failed("failed", standing.failure.code, standing.failure.message)
        return standing.ready

    def _settled(self, client: Client, asset_id: str, since: float) -> Standing:
        """The last standing. Raises StreamError when nothing moves any more."""
        report, moved, last = self._report, time.monotonic(), -1
        standing = Standing(asset=None, job=None)
        for standing in client.watch(asset_id, every=0.1):
            now = time.monotonic()
            tenth = int(standing.progress * 10)
            if tenth > last:
                self._say(f"encoded {tenth * 10} %")
                last, moved = tenth, now
            if standing.asset:
                report.state = standing.asset.state
                if report.seconds_to_playable is None and (standing.asset.playable or standing.ready):
                    report.seconds_to_playable, moved = now - since, now
                    self._say(f"playable after {now - since:.2f} s")
            if now - moved > STALLED_AFTER:
                raise StreamError(f"nothing moved for {STALLED_AFTER:.0f} s")
        if standing.ready:
            report.seconds_to_ready = time.monotonic() - since
            self._say(f"ready after {report.seconds_to_ready:.2f} s")
        return standing

    def _play(self, client: Client, source: Judged) -> None:
        began = time.monotonic()
        assert self._report.asset_id is not None
        playback = client.playback(self._report.asset_id)
        self._report.hls_url, self._report.embed_url = playback.hls_url or None, playback.embed_url or None
        if not playback.hls_url:
            raise StreamError("it is ready, and has no stream")
        with tempfile.TemporaryDirectory(dir=self._folder) as folder:
            played = play(playback.hls_url, Path(folder))
            stream = heard_and_seen(played)
        self._report.seconds_to_play = time.monotonic() - began
        self._report.decoded = stream_facts(stream) | {"segments": played.segments, "size": played.size}
        self._report.faults = faults(source, stream, played.variant)
        self._report.ok = not self._report.faults
        for fault in self._report.faults:
            self._say(f"wrong: {fault}")

    def _failed(self, state: str, code: str, message: str) -> None:
        self._report.failed(state, code, message)
        self._say(f"failed: {code}: {message}")
