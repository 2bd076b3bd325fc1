"""Playlists over what has landed, and the one success at the end."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from meshkit.errors import Unavailable
from services.transcode.scheduler.domain import JobState
from services.transcode.scheduler.task import TaskKind, TaskState

if TYPE_CHECKING:
    from services.transcode.scheduler.domain import Job
    from tests.unit.transcode_scheduler.scheduled import Scheduler


def names(scheduler: Scheduler) -> list[str]:
    """Of the playlists in the order in which they were written."""
    return [key.rsplit("/", 1)[-1] for key, _, _ in scheduler.playlists.written]


def segments(scheduler: Scheduler, job: Job, name: str) -> list[int]:
    """Numbers in a playlist as it is now."""
    text = {key: text for key, text, _ in scheduler.playlists.written}[f"{job.object_prefix}{name}"]
    lines = [line for line in text.splitlines() if line.endswith(".m4s")]
    return [int(line.rsplit("/", 1)[-1].split("-")[0]) for line in lines]


async def test_a_job_is_playable_once_every_track_has_its_first_segment(scheduler: Scheduler) -> None:
    job, tasks = await scheduler.uploaded_and_probed()
    first, audio, second, *_ = tasks
    for early in (second, first):
        await scheduler.encode(early)
        await scheduler.publishing.publish(job.id)
    assert not scheduler.job(job).playable
    assert not scheduler.playlists.written
    await scheduler.encode(audio)
    await scheduler.publishing.publish(job.id)
    playable = scheduler.job(job)
    assert playable.playable
    assert playable.state is JobState.RUNNING
    assert {(output.kind, output.state) for output in playable.outputs} == {("hls", "preparing"), ("dash", "preparing")}
    assert scheduler.facts()[-1] == "playable"
    assert not any(final for _, _, final in scheduler.playlists.written)


async def test_a_player_never_follows_a_name_to_nothing(scheduler: Scheduler) -> None:
    job, tasks = await scheduler.uploaded_and_probed()
    for task in tasks[:2]:
        await scheduler.encode(task)
    await scheduler.publishing.publish(job.id)
    assert names(scheduler) == [
        *("v1080.m3u8", "v720.m3u8", "v480.m3u8", "v360.m3u8", "audio.m3u8"),
        *("manifest.mpd", "master.m3u8"),
    ]


async def test_playlists_grow_without_a_gap(scheduler: Scheduler) -> None:
    job, (first, audio, second, third, fourth) = await scheduler.uploaded_and_probed()
    shown = []
    for task in (first, audio, fourth, second, third):
        await scheduler.encode(task)
        await scheduler.publishing.publish(job.id)
        if scheduler.playlists.written:
            shown.append(segments(scheduler, job, "v360.m3u8"))
    assert shown == [[0], [0], [0, 1], [0, 1, 2, 3, 4]]


async def test_the_last_result_makes_it_final(scheduler: Scheduler) -> None:
    job, tasks = await scheduler.uploaded_and_probed()
    for task in tasks:
        await scheduler.encode(task)
    await scheduler.publishing.publish(job.id)
    done = scheduler.job(job)
    assert (done.state, done.progress, done.playable) == (JobState.SUCCEEDED, 1.0, True)
    assert scheduler.facts()[-2:] == ["playable", "succeeded"]
    assert all(final for _, _, final in scheduler.playlists.written)
    for key, text, _ in scheduler.playlists.written:
        if key.endswith(("v1080.m3u8", "audio.m3u8")):
            assert "#EXT-X-PLAYLIST-TYPE:VOD" in text
            assert text.endswith("#EXT-X-ENDLIST\n")
    hls, dash = done.outputs
    assert (hls.kind, hls.state, hls.width, hls.height, hls.duration) == ("hls", "ready", 1920, 1080, 20.0)
    assert hls.object_key == f"{done.object_prefix}master.m3u8"
    assert dash.object_key == f"{done.object_prefix}manifest.mpd"


async def test_outputs_keep_their_ids_while_they_grow(scheduler: Scheduler) -> None:
    job, tasks = await scheduler.uploaded_and_probed()
    for task in tasks:
        await scheduler.encode(task)
        await scheduler.publishing.publish(job.id)
    told = {fact: [output.id for output in job.outputs] for fact, job in scheduler.store.said}
    assert told["playable"] == told["succeeded"]
    assert scheduler.facts().count("playable") == 1


async def test_concurrent_publishes_are_one(scheduler: Scheduler) -> None:
    job, tasks = await scheduler.uploaded_and_probed()
    for task in tasks:
        await scheduler.encode(task)
    await asyncio.gather(*[scheduler.publishing.publish(job.id) for _ in range(5)])
    assert scheduler.facts().count("succeeded") == scheduler.facts().count("playable") == 1
    assert names(scheduler).count("master.m3u8") == 1


async def test_publishing_what_is_published_does_nothing(scheduler: Scheduler) -> None:
    job, tasks = await scheduler.uploaded_and_probed()
    for task in tasks[:2]:
        await scheduler.encode(task)
    await scheduler.publishing.publish(job.id)
    before = len(scheduler.playlists.written)
    await scheduler.publishing.publish(job.id)
    assert len(scheduler.playlists.written) == before


async def test_a_job_that_is_over_gets_no_playlists(scheduler: Scheduler) -> None:
    job, tasks = await scheduler.uploaded_and_probed()
    for task in tasks[:2]:
        await scheduler.encode(task)
    await scheduler.jobs.cancel(job.tenant_id, job.id)
    await scheduler.publishing.publish(job.id)
    assert not scheduler.playlists.written


async def test_a_store_that_is_away_loses_nothing(scheduler: Scheduler) -> None:
    job, tasks = await scheduler.uploaded_and_probed()
    for task in tasks:
        await scheduler.encode(task)
    scheduler.playlists.reachable = False
    with pytest.raises(Unavailable):
        await scheduler.publishing.publish(job.id)
    assert scheduler.job(job).state is JobState.RUNNING
    scheduler.playlists.reachable = True
    await scheduler.publishing.publish(job.id)
    assert scheduler.job(job).state is JobState.SUCCEEDED


async def test_a_late_chunk_must_belong_to_the_others_too(scheduler: Scheduler) -> None:
    job, tasks = await scheduler.uploaded_and_probed()
    *others, last = [task for task in tasks if task.kind is TaskKind.ENCODE_VIDEO]
    assert len(others) >= 3
    for task in others:
        await scheduler.encode(task)
    await scheduler.encode(last, init="another")
    assert (scheduler.job(job).state, scheduler.job(job).error_code) == (JobState.FAILED, "init_mismatch")


async def test_chunks_that_do_not_belong_together_fail_the_job(scheduler: Scheduler) -> None:
    job, tasks = await scheduler.uploaded_and_probed()
    first, _, second, *_ = tasks
    # What an attempt before said must not be taken for the reason.
    held = await scheduler.claim(second)
    await scheduler.tasks.fail(held.id, held.epoch, "objects_unavailable", "", retryable=True)
    scheduler.wait(61)
    await scheduler.encode(first)
    held = await scheduler.encode(second, init="another")
    failed = scheduler.job(job)
    assert (failed.state, failed.error_code) == (JobState.FAILED, "init_mismatch")
    assert scheduler.task(held).state is TaskState.FAILED
    assert scheduler.task(first).state is TaskState.SUCCEEDED
    assert scheduler.job(job).encoding.done == 1
