"""Each preset that is shipped gives what it says, decoded."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise
from typing import TYPE_CHECKING

import av
import pytest
from google.protobuf import json_format
from reelmesh.transcode.v1 import preset_pb2, transcode_pb2

from meshkit.ids import new_id
from tests.clips import beeps, first_picture, pictures
from tests.eventually import eventually
from tests.integration.transcode.test_api import refusal

if TYPE_CHECKING:
    from pathlib import Path

    from tests.clips import Clips
    from tests.integration.transcode.studio import Studio
    from tests.integration.transcode.workers import Workers

pytestmark = pytest.mark.usefixtures("address")
FRAMES, RATE = 150, Fraction(15)
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


@dataclass(frozen=True)
class Piece:
    """What a file in one piece holds; `muxer` as ffmpeg calls the format."""

    name: str
    kind: str
    content_type: str
    muxer: str
    codecs: tuple[str, ...]
    string: str


PIECES = {
    "mp4-720p": Piece("video.mp4", "file", "video/mp4", "mov,mp4", ("h264", "aac"), r"avc1\.[0-9a-f]{6},mp4a\.40\.2"),
    "webm-vp9": Piece("video.webm", "file", "video/webm", "webm", ("vp9", "opus"), r"vp09\.00\.\d\d\.08,opus"),
    "audio": Piece("audio.m4a", "audio", "audio/mp4", "mov,mp4", ("aac",), r"mp4a\.40\.2"),
}


@pytest.mark.parametrize("preset", PIECES)
async def test_a_file_in_one_piece(
    preset: str, studio: Studio, workers: Workers, numbered: Path, tmp_path: Path
) -> None:
    wanted = PIECES[preset]
    job = await made(studio, workers, numbered, preset)
    streamed = preset == "audio"
    assert job.playable is streamed
    [told] = [output for output in job.outputs if output.name == wanted.name]
    others = {"hls", "dash"} if streamed else {"poster", "sprite"}
    assert {output.kind for output in job.outputs} == {wanted.kind, *others}
    assert (told.kind, told.state) == (wanted.kind, transcode_pb2.JobOutput.STATE_READY)
    assert re.fullmatch(wanted.string, told.codec)
    body = await studio.read(told.object_key)
    assert (await studio.objects.open(told.object_key))["ContentType"] == wanted.content_type
    assert told.size == len(body)
    assert told.bit_rate == pytest.approx(8 * len(body) / told.duration, abs=1)
    assert told.duration == pytest.approx(float(FRAMES / RATE), abs=1e-6)
    path = tmp_path / wanted.name
    path.write_bytes(body)
    with av.open(path) as file:
        assert wanted.muxer in file.format.name
        assert tuple(each.codec_context.codec.canonical_name for each in file.streams) == wanted.codecs
        assert file.duration == pytest.approx(float(FRAMES / RATE) * 1e6, abs=float(1e6 / RATE))
    heard = beeps(path)
    assert heard[1:] == pytest.approx(range(1, 10), abs=0.02)
    if preset == "audio":
        return
    shown = pictures(path)
    assert [picture.number for picture in shown] == list(range(FRAMES))
    assert [round(picture.time * RATE, 1) for picture in shown] == list(range(FRAMES))
    if wanted.muxer == "mov,mp4":
        assert body.index(b"moov") < body.index(b"mdat")

    async def nothing_else_is_kept() -> bool:
        keys: list[str] = []

        def look(key: str) -> bool:
            keys.append(key)
            return False

        await studio.objects.delete_prefix(job.object_prefix, look)
        return set(keys) == {output.object_key for output in job.outputs}

    await eventually(nothing_else_is_kept)


async def test_a_job_that_says_what_to_make(studio: Studio, workers: Workers, numbered: Path, tmp_path: Path) -> None:
    upload = await studio.bring_in(numbered, preset="nothing-of-ours")
    square = preset_pb2.PresetRung(width=200, height=200, fit="pad", bit_rate=150_000, container="mp4")
    narrow = preset_pb2.PresetRung(width=161, crf=45, container="mp4")
    recipe = preset_pb2.Preset(
        name="custom",
        video=[
            preset_pb2.PresetVideo(codec="h264", rungs=[square]),
            preset_pb2.PresetVideo(codec="av1", rungs=[narrow]),
        ],
        audio=preset_pb2.PresetAudio(bit_rate=64_000),
        frame_rate=10,
    )
    await studio.ended(await studio.job_of(upload))
    request = transcode_pb2.CreateJobRequest(asset_id=upload.asset_id, recipe=recipe)
    async with workers.working(studio.address):
        job = await studio.ended((await studio.ask("CreateJob", request)).job, within=90)
    assert (job.state, job.preset) == (transcode_pb2.Job.STATE_SUCCEEDED, "custom"), json_format.MessageToJson(job)
    files = {output.name: output for output in job.outputs if output.kind == "file"}
    wanted = {"v200.mp4": ("h264", 200, 200), "v90-av1.mp4": ("av1", 160, 90)}
    assert files.keys() == wanted.keys()
    for name, (codec, width, height) in wanted.items():
        path = tmp_path / name
        path.write_bytes(await studio.read(files[name].object_key))
        assert (files[name].width, files[name].height) == (width, height)
        with av.open(path) as file:
            video = file.streams.video[0]
            assert (video.codec_context.codec.canonical_name, video.width, video.height) == (codec, width, height)
        # Ten seconds at ten frames a second.
        assert [picture.time for picture in pictures(path)] == [Fraction(number, 10) for number in range(100)]
    assert 75_000 < files["v200.mp4"].bit_rate - 64_000 < 200_000
    # Black above and below a picture of 200 by 112.
    picture = first_picture(tmp_path / "v200.mp4")
    assert picture[:40].max() < 24
    assert picture[-40:].max() < 24
    assert picture[110:150].min() > 200


async def test_a_tenants_own_preset(studio: Studio, clip: Path) -> None:
    mine = preset_pb2.Preset(
        name="mine", video=[preset_pb2.PresetVideo(codec="av1", rungs=[preset_pb2.PresetRung(short_side=90)])]
    )
    put = await studio.ask("PutPreset", transcode_pb2.PutPresetRequest(preset=mine))
    assert (put.created, put.preset.video[0].encoder, put.preset.shipped) == (True, "libsvtav1", False)
    get = transcode_pb2.GetPresetRequest(name="mine")
    assert (await studio.ask("GetPreset", get)).preset == put.preset
    listed = (await studio.ask("ListPresets", transcode_pb2.ListPresetsRequest())).presets
    assert [preset.name for preset in listed if not preset.shipped] == ["mine"]
    foreign = replace(studio, tenant=new_id())
    assert await refusal(foreign.ask("GetPreset", get)) == ("preset_not_found", 404)

    job = await studio.job_of(await studio.bring_in(clip, preset="mine"))
    assert (job.state, job.preset) == (transcode_pb2.Job.STATE_QUEUED, "mine")
    await studio.cancel(job)

    mine.description = "smaller"
    change = transcode_pb2.PutPresetRequest(preset=mine, etag=put.preset.etag)
    changed = await studio.ask("PutPreset", change)
    assert (changed.created, changed.preset.description) == (False, "smaller")
    assert await refusal(studio.ask("PutPreset", change)) == ("etag_mismatch", 409)
    mine.name = "hls"
    taken = transcode_pb2.PutPresetRequest(preset=mine)
    assert await refusal(studio.ask("PutPreset", taken)) == ("preset_read_only", 409)
    taken.preset.video[0].rungs[0].short_side = 91
    assert await refusal(studio.ask("PutPreset", taken)) == ("invalid_argument", 400)
    delete = transcode_pb2.DeletePresetRequest(name="mine")
    await studio.ask("DeletePreset", delete)
    assert await refusal(studio.ask("DeletePreset", delete)) == ("preset_not_found", 404)
    gone = await studio.ended(await studio.job_of(await studio.bring_in(clip, preset="mine")))
    assert gone.error_code == "unknown_preset"
