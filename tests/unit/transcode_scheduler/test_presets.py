"""Presets are data, held to the rules of the proto wherever they come from."""

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

from services.transcode.media.mux import Mux
from services.transcode.media.preset import PresetImage, PresetPoster, PresetSize
from services.transcode.scheduler.domain import JobState
from services.transcode.scheduler.file import File
from services.transcode.scheduler.jobs import Jobs
from services.transcode.scheduler.preset_wire import from_preset, to_preset
from services.transcode.scheduler.presets import Presets
from services.transcode.scheduler.shipped import load, shipped
from services.transcode.scheduler.task import TaskKind
from tests.fakes.transcode_rows import some_facts
from tests.unit.transcode_media.builders import HLS
from tests.unit.transcode_scheduler.scheduled import Scheduler


def test_what_is_shipped_goes_over_the_wire_and_comes_back() -> None:
    for preset in shipped():
        assert from_preset(to_preset(preset)) == preset


def test_what_is_left_out_has_its_default(tmp_path: Path) -> None:
    path = tmp_path / "plain.yaml"
    path.write_text("video: [{codec: h264, rungs: [{short_side: 720, max_bit_rate: 2000000}]}]")
    preset = load(path)
    (video,) = preset.video
    assert (preset.name, preset.audio, preset.gop_seconds, preset.chunk_seconds) == ("plain", None, 4, 12)
    assert (video.encoder, video.speed, video.crf) == ("libx264", "veryfast", 23)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("video: [", "while parsing"),
        ("colour: red", "no field named"),
        ("description: nothing", "a preset makes video, audio, an image or a poster"),
        ("video: [{codec: theora, rungs: [{short_side: 720, max_bit_rate: 2000000}]}]", "video.codec: "),
        ("video: [{codec: h264, rungs: [{short_side: 721, max_bit_rate: 2000000}]}]", "video.rungs.short_side: "),
        ("video: [{codec: h264, rungs: []}]", "video.rungs: "),
        ("image: {format: svg}", "image.format: "),
        ("image: {sizes: [{name: a, side: 64}, {name: a, side: 128}]}", "names of their own"),
        ("poster: {second: -1}", "poster.second: "),
        ("{audio: {}, gop_seconds: 5}", "chunk_seconds is a whole number of gop_seconds"),
    ],
)
def test_a_bad_file_is_refused_by_name_and_field(tmp_path: Path, text: str, fault: str) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text(text)
    with pytest.raises(ValueError, match=rf"(?s)bad\.yaml: .*{fault}"):
        load(path)


def test_what_is_said_of_stills_goes_over_the_wire_and_comes_back(tmp_path: Path) -> None:
    path = tmp_path / "own.yaml"
    path.write_text(
        "{image: {format: avif, quality: 50, still: true, sizes: [{name: tiny, side: 64}]}, poster: {second: 2.5}}"
    )
    preset = load(path)
    assert preset.image == PresetImage(
        format="avif", quality=50, animated=False, sizes=(PresetSize(name="tiny", side=64),)
    )
    assert preset.poster == PresetPoster(second=Fraction(5, 2))
    assert from_preset(to_preset(preset)) == preset


async def test_a_poster_alone_is_no_stream_and_fails_when_it_cannot_be_made(scheduler: Scheduler) -> None:
    scheduler.jobs = Jobs(scheduler.store, Presets(shipped(), scheduler.store), scheduler.clock)
    job = await scheduler.upload(preset="poster")
    [probe] = scheduler.queued()
    held = await scheduler.claim(probe)
    await scheduler.tasks.complete_probe(held.id, held.epoch, some_facts())
    [stills] = [task for task in scheduler.queued() if task.id != probe.id]
    assert stills.kind is TaskKind.STILLS
    held = await scheduler.claim(stills)
    await scheduler.tasks.fail(held.id, held.epoch, "corrupt", "no picture", retryable=False)
    assert (scheduler.job(job).state, scheduler.job(job).error_code) == (JobState.FAILED, "corrupt")


async def test_a_job_is_planned_by_what_its_preset_said_when_it_was_made(scheduler: Scheduler) -> None:
    job = await scheduler.upload()
    assert job.recipe == HLS.to_json()
    then = replace(HLS, video=(replace(HLS.video[0], rungs=HLS.video[0].rungs[2:]),))
    scheduler.store.jobs[job.id] = replace(job, recipe=then.to_json())
    await scheduler.probe(job)
    async with scheduler.store.transaction() as tx:
        assert [each.name for each in await tx.renditions(job.id)] == ["v480", "v360", "audio"]


async def test_a_file_is_joined_once_all_is_encoded_and_is_all_that_stays(scheduler: Scheduler) -> None:
    scheduler.jobs = Jobs(scheduler.store, Presets(shipped(), scheduler.store), scheduler.clock)
    job = await scheduler.upload(preset="mp4-720p")
    tasks = await scheduler.probe(job)
    for task in tasks:
        await scheduler.encode(task)
    await scheduler.publishing.publish(job.id)
    assert (scheduler.job(job).playable, scheduler.job(job).over, scheduler.playlists.written) == (False, False, [])
    [mux] = [task for task in scheduler.queued() if task.kind is TaskKind.MUX]
    wanted = Mux.from_json(dict(mux.spec))
    assert (wanted.tracks, wanted.frames, wanted.width) == (("v720", "audio"), 600, 1280)
    held = await scheduler.claim(mux)
    rendition, keys = await scheduler.tasks.segments(held.id, held.epoch, "v720", 3)
    assert (rendition.codec, len(keys)) == ("avc1.64001f", 2)
    key = f"{job.object_prefix}files/{held.id}-1/video.mp4"
    scheduler.outputs.keys = {key, f"{job.object_prefix}v720/000000-1.m4s"}
    await scheduler.tasks.complete_files(held.id, held.epoch, [File(kind="file", name="video.mp4", key=key)])
    await scheduler.publishing.publish(job.id)
    assert scheduler.job(job).state is JobState.SUCCEEDED
    assert scheduler.outputs.keys == {key}
