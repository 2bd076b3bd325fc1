"""Subtitles come to the playlists when the stream is whole, and none of them is worth a video."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from services.transcode.media.facts import SubtitleFacts
from services.transcode.scheduler.domain import JobState
from services.transcode.scheduler.file import File
from services.transcode.scheduler.task import ENCODES, TaskKind
from tests.fakes.transcode_rows import some_facts

if TYPE_CHECKING:
    from services.transcode.scheduler.domain import Job
    from services.transcode.scheduler.task import Task
    from tests.unit.transcode_scheduler.scheduled import Scheduler

FOUND = tuple(
    SubtitleFacts(stream=stream, codec="srt", language=language, kept=f"{stream:016d}")
    for stream, language in ((2, "eng"), (3, "ger"))
)


async def probed(scheduler: Scheduler) -> tuple[Job, list[Task], list[Task]]:
    """The job, the tasks that encode, and those that make subtitles; all others are done."""
    job = await scheduler.upload()
    [probe] = scheduler.queued()
    held = await scheduler.claim(probe)
    await scheduler.tasks.complete_probe(held.id, held.epoch, some_facts(subtitles=FOUND))
    follow = [task for task in scheduler.queued() if task.id != probe.id]
    for task in follow:
        if task.kind is TaskKind.STILLS:
            await scheduler.make(task)
    spoken = [task for task in follow if task.kind is TaskKind.SUBTITLES]
    return scheduler.job(job), [task for task in follow if task.kind in ENCODES], spoken


def made(job: Job, task: Task) -> File:
    name = task.spec["subtitle"]["name"]
    return File(kind="file", name=name, key=f"{job.object_prefix}files/{task.id}-1/{name}", size=500)


def written(scheduler: Scheduler, job: Job) -> dict[str, str]:
    """Each playlist as it is now."""
    return {key.removeprefix(job.object_prefix): text for key, text, _ in scheduler.playlists.written}


async def test_a_source_with_subtitles_has_a_task_for_each(scheduler: Scheduler) -> None:
    job, _, tasks = await probed(scheduler)
    assert [task.spec["subtitle"]["kept"] for task in tasks] == ["0000000000000002", "0000000000000003"]
    assert job.beside["subtitles"].total == 2


async def test_they_are_in_the_playlists_once_the_stream_is_whole(scheduler: Scheduler) -> None:
    job, encodes, tasks = await probed(scheduler)
    for task in tasks:
        await scheduler.make(task, made(job, task))
    for task in encodes[:2]:
        await scheduler.encode(task)
    await scheduler.publishing.publish(job.id)
    assert scheduler.job(job).playable
    assert "SUBTITLES" not in written(scheduler, job)["master.m3u8"]
    for task in encodes[2:]:
        await scheduler.encode(task)
    await scheduler.publishing.publish(job.id)
    assert scheduler.job(job).state is JobState.SUCCEEDED
    playlists = written(scheduler, job)
    assert playlists["master.m3u8"].count("TYPE=SUBTITLES") == 2
    assert f"files/{tasks[1].id}-1/subtitles-de.vtt" in playlists["subtitles-de.m3u8"]
    assert f"files/{tasks[1].id}-1/subtitles-de.vtt" in playlists["manifest.mpd"]
    # A player never follows a name to nothing.
    order = [key.rsplit("/", 1)[-1] for key, _, _ in scheduler.playlists.written]
    assert order.index("subtitles-de.m3u8") < order.index("manifest.mpd", order.index("subtitles-en.m3u8"))
    assert [(each.kind, each.name) for each in scheduler.job(job).outputs][:2] == [
        ("file", "subtitles-en.vtt"),
        ("file", "subtitles-de.vtt"),
    ]


async def test_late_ones_come_to_playlists_that_are_final(scheduler: Scheduler) -> None:
    job, encodes, tasks = await probed(scheduler)
    for task in encodes:
        await scheduler.encode(task)
    await scheduler.publishing.publish(job.id)
    assert "SUBTITLES" not in written(scheduler, job)["master.m3u8"]
    assert scheduler.job(job).state is JobState.RUNNING
    for task in tasks:
        await scheduler.make(task, made(job, task))
        await scheduler.publishing.publish(job.id)
    assert written(scheduler, job)["master.m3u8"].count("TYPE=SUBTITLES") == 2
    assert scheduler.job(job).state is JobState.SUCCEEDED


@pytest.mark.parametrize("retryable", [True, False])
async def test_broken_ones_fail_no_video(scheduler: Scheduler, retryable: bool) -> None:
    job, encodes, (broken, good) = await probed(scheduler)
    if retryable:
        await scheduler.wear_out(broken)
    else:
        held = await scheduler.claim(broken)
        await scheduler.tasks.fail(held.id, held.epoch, "corrupt", "no text", retryable=False)
    await scheduler.make(good, made(job, good))
    for task in encodes:
        await scheduler.encode(task)
    await scheduler.publishing.publish(job.id)
    done = scheduler.job(job)
    assert done.state is JobState.SUCCEEDED
    assert {each.name: each.state for each in done.outputs if each.kind == "file"} == {
        "subtitles-en.vtt": "errored",
        "subtitles-de.vtt": "ready",
    }
    master = written(scheduler, job)["master.m3u8"]
    assert "subtitles-de.m3u8" in master
    assert "subtitles-en.m3u8" not in master
