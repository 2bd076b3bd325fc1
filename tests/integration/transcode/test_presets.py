"""Each preset that is shipped gives what it says, decoded."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from typing import TYPE_CHECKING

import av
import pytest
from google.protobuf import json_format
from reelmesh.transcode.v1 import transcode_pb2

from tests.clips import beeps, pictures

if TYPE_CHECKING:
    from pathlib import Path

    from tests.clips import Clips
    from tests.integration.transcode.studio import Studio
    from tests.integration.transcode.workers import Workers

pytestmark = pytest.mark.usefixtures("address")
FRAMES, RATE = 140, Fraction(25)
DELAY = 2 / RATE
"""Seconds: a stream begins two frames after zero."""

STREAMS = {
    "hls": {"v180": "h264"},
    "hls-hevc": {"v180-hevc": "hevc"},
    "hls-av1": {"v180-av1": "av1"},
    "hls-multi": {"v180-av1": "av1", "v180": "h264"},
}


@pytest.fixture
def numbered(clips: Clips) -> Path:
    return clips.barcoded("numbered.mp4", frames=FRAMES, rate=str(RATE))


async def made(studio: Studio, workers: Workers, path: Path, preset: str) -> transcode_pb2.Job:
    async with workers.working(studio.address):
        job = await studio.ended(await studio.job_of(await studio.bring_in(path, preset)), within=90)
    assert job.state == transcode_pb2.Job.STATE_SUCCEEDED, json_format.MessageToJson(job)
    return job


@pytest.mark.parametrize("preset", STREAMS)
async def test_a_stream(preset: str, studio: Studio, workers: Workers, numbered: Path, tmp_path: Path) -> None:
    job = await made(studio, workers, numbered, preset)
    rungs = STREAMS[preset]
    master = await studio.playlist(job, "master.m3u8")
    assert [line for line in master.splitlines() if line.endswith(".m3u8")] == [f"{name}.m3u8" for name in rungs]
    assert (await studio.playlist(job, "manifest.mpd")).count('contentType="video"') == len(rungs)
    heard = beeps(await studio.track(job, "audio.m3u8", tmp_path / "audio.mp4"))
    for name, codec in rungs.items():
        path = await studio.track(job, f"{name}.m3u8", tmp_path / f"{name}.mp4")
        shown = pictures(path)
        assert [picture.number for picture in shown] == list(range(FRAMES))
        assert {after.time - before.time for before, after in pairwise(shown)} == {1 / RATE}
        flashes = [float(picture.time) for picture in shown if picture.flash]
        # The first beep gives way to the decoder's priming.
        assert heard[1:] == pytest.approx(flashes[1:], abs=0.02)
        with av.open(path) as file:
            video = file.streams.video[0]
            assert (video.codec_context.codec.canonical_name, video.width, video.height) == (codec, 320, 180)
    hls = next(output for output in job.outputs if output.kind == "hls")
    assert hls.duration == pytest.approx(float(FRAMES / RATE), abs=0.001)
    assert set(hls.codec.split(",")) <= set(master.replace('"', ",").split(","))
