"""The same file with the same preset is encoded once, and either asset does without the other."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from google.protobuf import json_format
from reelmesh.metadata.v1 import metadata_events_pb2
from reelmesh.transcode.v1 import transcode_pb2

from meshkit.errors import NotFound
from services.transcode.scheduler.task import TaskKind
from tests.clips import beeps, pictures
from tests.eventually import eventually

if TYPE_CHECKING:
    from pathlib import Path

    from tests.integration.transcode.studio import Studio
    from tests.integration.transcode.workers import Workers

pytestmark = pytest.mark.usefixtures("address")
Job = transcode_pb2.Job


async def kinds(studio: Studio, job: Job) -> set[str]:
    return {str(task.kind) for task in await studio.tasks(job)}


async def test_a_file_that_comes_again_is_not_encoded_again(
    studio: Studio, workers: Workers, clip: Path, tmp_path: Path
) -> None:
    uploads = [await studio.bring_in(clip) for _ in range(3)]
    jobs = [await studio.job_of(upload) for upload in uploads[:2]]
    async with workers.working(studio.address), workers.working(studio.address):
        jobs = [await studio.ended(job) for job in jobs]
        jobs.append(await studio.ended(await studio.job_of(uploads[2])))
    for job in jobs:
        assert (job.state, job.playable) == (Job.STATE_SUCCEEDED, True), json_format.MessageToJson(job)
        assert {output.state for output in job.outputs} == {transcode_pb2.JobOutput.STATE_READY}
    made = [await kinds(studio, job) for job in jobs]
    assert sorted(map(len, made))[:2] == [1, 1]
    [first] = [job for job, kind in zip(jobs, made, strict=True) if kind != {TaskKind.PROBE}]
    others = [job for job in jobs if job is not first]
    # Of the one that was encoded nothing is left.
    gone = metadata_events_pb2.AssetPurged(asset_id=first.asset_id, tenant_id=studio.tenant)
    await studio.objects.delete_prefix(f"assets/{first.asset_id}/")
    await studio.say(gone, first.asset_id)
    await eventually(lambda: _forgotten(studio, first))
    with pytest.raises(NotFound):
        await studio.read(first.object_prefix + "master.m3u8")
    for index, job in enumerate(others):
        assert "copied/" in await studio.playlist(job, "v180.m3u8")
        shown = pictures(await studio.track(job, "v180.m3u8", tmp_path / f"{index}.mp4"))
        assert [picture.number for picture in shown] == list(range(150))
        heard = beeps(await studio.track(job, "audio.m3u8", tmp_path / f"{index}.m4a.mp4"))
        assert len(heard) == 10


async def test_a_second_request_is_the_job_that_there_is(studio: Studio, workers: Workers, clip: Path) -> None:
    upload = await studio.bring_in(clip)
    first = await studio.job_of(upload)
    request = transcode_pb2.CreateJobRequest(asset_id=upload.asset_id)
    asked = await asyncio.gather(*(studio.ask("CreateJob", request) for _ in range(4)))
    assert {answer.job.id for answer in asked} == {first.id}
    async with workers.working(studio.address):
        await studio.ended(first)
        again = await studio.ask("CreateJob", request)
        assert (again.job.id, again.job.state) == (first.id, Job.STATE_SUCCEEDED)
        # Who wants to be called has a job of its own, and no work for it.
        request.callback_url = "https://club.example/over"
        own = await studio.ended((await studio.ask("CreateJob", request)).job)
    assert (own.state, own.id != first.id, await kinds(studio, own)) == (Job.STATE_SUCCEEDED, True, {TaskKind.PROBE})


async def test_objects_that_went_are_no_copy(studio: Studio) -> None:
    with pytest.raises(NotFound):
        await studio.objects.copy_all({"assets/nowhere/source": ("assets/nowhere/copy", 3)})


async def _forgotten(studio: Studio, job: Job) -> bool:
    listed = await studio.ask("ListJobs", transcode_pb2.ListJobsRequest(asset_id=job.asset_id))
    return not listed.jobs
