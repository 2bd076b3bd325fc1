"""A file comes in, workers make a stream of it, and everyone hears how far it is."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from google.protobuf import json_format
from grpc.aio import AioRpcError
from reelmesh.metadata.v1 import metadata_events_pb2
from reelmesh.transcode.v1 import transcode_events_pb2, transcode_pb2

from meshkit.errors import NotFound
from meshkit.ids import new_id
from tests.clips import beeps, pictures
from tests.eventually import eventually

if TYPE_CHECKING:
    from pathlib import Path

    from tests.clips import Clips
    from tests.integration.transcode.studio import Studio
    from tests.integration.transcode.workers import Workers

pytestmark = pytest.mark.usefixtures("address")
Job = transcode_pb2.Job
ENDS = {"job_queued", "job_started", "job_probed", "job_playable", "job_succeeded", "job_failed", "job_cancelled"}

DELAY = Fraction(2, 15)
"""Seconds: the preset begins two frames after zero, and the clip has 15 a second."""


async def test_a_file_becomes_a_stream(studio: Studio, workers: Workers, clip: Path, tmp_path: Path) -> None:
    job = await studio.job_of(await studio.bring_in(clip))
    lost = f"assets/{job.asset_id}/jobs/{job.id}/v180/000001-9.m4s"
    await studio.objects.put(lost, b"of an attempt that never landed", "video/iso.segment", "no-store")
    async with workers.working(studio.address):
        job = await studio.ended(job)
    assert job.state == Job.STATE_SUCCEEDED, json_format.MessageToJson(job)
    assert (job.progress, job.playable, job.attempts) == (1.0, True, 1)
    assert (job.media.kind, job.media.width, job.media.frames, job.media.audio_codec) == ("video", 320, 150, "aac")
    assert {(output.kind, output.state) for output in job.outputs} == {
        *(("hls", 2), ("dash", 2), ("poster", 2), ("sprite", 2)),
    }

    master = await studio.playlist(job, "master.m3u8")
    assert "v180.m3u8" in master
    assert "audio.m3u8" in master
    for name in ("v180.m3u8", "audio.m3u8"):
        playlist = await studio.playlist(job, name)
        assert "#EXT-X-PLAYLIST-TYPE:VOD" in playlist
        assert playlist.endswith("#EXT-X-ENDLIST\n")
    await stills_are_there(studio, job)
    assert 'type="static"' in await studio.playlist(job, "manifest.mpd")

    shown = pictures(await studio.track(job, "v180.m3u8", tmp_path / "video.mp4"))
    assert [picture.number for picture in shown] == list(range(150))
    assert shown[0].time == DELAY
    assert {after.time - before.time for before, after in pairwise(shown)} == {Fraction(1, 15)}
    heard = beeps(await studio.track(job, "audio.m3u8", tmp_path / "audio.mp4"))
    assert heard == pytest.approx([second + float(DELAY) for second in range(10)], abs=0.03)

    assert lost.startswith(job.object_prefix)

    async def lost_is_gone() -> bool:
        try:
            await studio.objects.head(lost)
        except NotFound:
            return True
        return False

    await eventually(lost_is_gone)


async def stills_are_there(studio: Studio, job: transcode_pb2.Job) -> None:
    poster, sheet, storyboard = (each for each in job.outputs if each.kind in {"poster", "sprite"})
    assert (poster.width, poster.height, sheet.width, sheet.height) == (320, 180, 160 * 5, 90)
    for output, start in ((poster, b"\xff\xd8\xff"), (sheet, b"\xff\xd8\xff"), (storyboard, b"WEBVTT\n")):
        assert output.object_key.startswith(f"{job.object_prefix}files/")
        body = await studio.read(output.object_key)
        assert body.startswith(start)
        assert len(body) == output.size


async def test_every_fact_is_said_once_and_in_order(studio: Studio, workers: Workers, clip: Path) -> None:
    async with workers.working(studio.address):
        job = await studio.ended(await studio.job_of(await studio.bring_in(clip)))

    async def said() -> list[str]:
        facts = await studio.facts(job)
        assert "job_succeeded" in facts
        return facts

    facts = await eventually(said)
    assert [fact for fact in facts if fact in ENDS] == [
        *("job_queued", "job_started", "job_probed", "job_playable", "job_succeeded")
    ]
    # Of its results, and once or twice of what sound there is before it can be played.
    assert facts.count("job_grown") in {5, 6}
    last = await studio.bus.js.get_last_msg("TRANSCODE", f"reelmesh.transcode.v1.job_succeeded.{job.id}")
    assert transcode_events_pb2.JobSucceeded.FromString(last.data or b"").job == job


async def test_workers_share_the_chunks(studio: Studio, workers: Workers, clips: Clips) -> None:
    # Slow motion: few frames a second make many short chunks.
    long = clips.barcoded("long.mp4", frames=280, rate="10")
    async with workers.working(studio.address) as one, workers.working(studio.address) as other:
        job = await studio.ended(await studio.job_of(await studio.bring_in(long)))
    assert job.state == Job.STATE_SUCCEEDED
    tasks = await studio.tasks(job)
    assert {task.worker_id for task in tasks} == {one.id, other.id}
    assert {(task.epoch, task.state) for task in tasks} == {(1, "succeeded")}
    assert await studio.messages(job) == []


async def test_what_is_not_media_ends_with_its_reason(studio: Studio, workers: Workers, clips: Clips) -> None:
    path = clips.written("match.mp4", b"this is no media" * 100)
    async with workers.working(studio.address):
        job = await studio.ended(await studio.job_of(await studio.bring_in(path)))
        await eventually(lambda: _nothing_left(studio, job))
    assert (job.state, job.error_code) == (Job.STATE_FAILED, "not_media")
    assert job.error_message
    assert await studio.facts(job) == ["job_queued", "job_started", "job_failed"]
    assert [stage.state for stage in job.stages] == [4, 1, 1, 1]


async def test_a_poster_alone(studio: Studio, workers: Workers, clip: Path) -> None:
    async with workers.working(studio.address):
        job = await studio.ended(await studio.job_of(await studio.bring_in(clip, preset="poster")))
    assert (job.state, job.playable) == (Job.STATE_SUCCEEDED, False)
    assert [(each.kind, each.state) for each in job.outputs] == [("poster", 2), ("sprite", 2), ("sprite", 2)]
    assert [task.kind for task in await studio.tasks(job)] == ["probe", "stills"]
    await stills_are_there(studio, job)


async def test_an_unknown_preset_fails_without_a_worker(studio: Studio, clip: Path) -> None:
    job = await studio.ended(await studio.job_of(await studio.bring_in(clip, preset="vhs")))
    assert (job.state, job.error_code) == (Job.STATE_FAILED, "unknown_preset")


async def test_a_cancelled_job_stops_its_worker(studio: Studio, workers: Workers, slow_clip: Path) -> None:
    async with workers.working(studio.address) as worker:
        job = await studio.job_of(await studio.bring_in(slow_clip))
        await eventually(lambda: worker.encoding, within=20)
        assert (await studio.cancel(job)).state == Job.STATE_CANCELLED
        await eventually(lambda: not worker.busy, within=3)
        await eventually(lambda: _nothing_left(studio, job))
    assert [event for event, _ in worker.reports] == ["task cancelled"]
    assert {task.state for task in await studio.tasks(job)} == {"succeeded", "cancelled"}
    assert (await studio.facts(job))[-1] == "job_cancelled"


async def test_what_was_run_is_kept_for_the_owner(studio: Studio, workers: Workers, clip: Path) -> None:
    async with workers.working(studio.address):
        job = await studio.ended(await studio.job_of(await studio.bring_in(clip)))
        request = transcode_pb2.ListAttemptsRequest(job_id=job.id)

        async def noted() -> list[transcode_pb2.Attempt]:
            found = list((await studio.ask("ListAttempts", request)).attempts)
            return found if sum(each.kind == "encode_video" for each in found) == 2 else []

        made = await eventually(noted)
    assert {each.outcome for each in made} == {"succeeded"}
    assert all("-i" in each.command and len(each.log) <= 4096 for each in made)
    foreign = replace(studio, tenant=new_id())
    with pytest.raises(AioRpcError, match="no such job"):
        await foreign.ask("ListAttempts", request)


async def test_a_deleted_asset_cancels_its_job(studio: Studio, clip: Path) -> None:
    upload = await studio.bring_in(clip)
    job = await studio.job_of(upload)
    asset = studio.asset(upload)
    await studio.say(metadata_events_pb2.AssetDeleted(asset=asset), asset.id)
    assert (await studio.ended(job)).state == Job.STATE_CANCELLED


async def test_an_asset_that_comes_back_gets_another_job(studio: Studio, clip: Path) -> None:
    upload = await studio.bring_in(clip)
    first, asset = await studio.job_of(upload), studio.asset(upload)
    # Each undoes the one before: in order, whoever hears them.
    for event in (metadata_events_pb2.AssetDeleted(asset=asset), metadata_events_pb2.AssetRestored(asset=asset)):
        await studio.say(event, asset.id)

    async def again() -> bool:
        jobs = (await studio.ask("ListJobs", transcode_pb2.ListJobsRequest(asset_id=asset.id))).jobs
        states = {job.id == first.id: job.state for job in jobs}
        return states == {True: Job.STATE_CANCELLED, False: Job.STATE_QUEUED}

    assert await eventually(again)
    await studio.say(metadata_events_pb2.AssetPurged(asset_id=asset.id, tenant_id=asset.tenant_id), asset.id)

    async def gone() -> bool:
        return not (await studio.ask("ListJobs", transcode_pb2.ListJobsRequest(asset_id=asset.id))).jobs

    assert await eventually(gone)
    assert await studio.tasks(first) == []


async def _nothing_left(studio: Studio, job: Job) -> bool:
    return await studio.messages(job) == []
