"""Plain files beside the stream: they land once, some can be done without, and some wait for the stream."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from meshkit.errors import Conflict
from services.transcode.scheduler.domain import JobState
from services.transcode.scheduler.file import File
from services.transcode.scheduler.stages import stages
from services.transcode.scheduler.task import TaskKind, TaskState

if TYPE_CHECKING:
    from services.transcode.scheduler.domain import Job
    from tests.unit.transcode_scheduler.scheduled import Scheduler

EXPECTED: dict[str, Any] = {"files": [["poster", "poster.jpg"]]}


def a_poster(job: Job, epoch: int = 1) -> File:
    key = f"{job.object_prefix}files/01990000-0000-7000-8000-000000000000-{epoch}/poster.jpg"
    return File(kind="poster", name="poster.jpg", key=key, size=10, content_type="image/jpeg", width=640, height=360)


async def test_a_file_is_an_output_as_soon_as_it_lands(scheduler: Scheduler) -> None:
    job, tasks = await scheduler.uploaded_and_probed()
    stills = await scheduler.besides(job, TaskKind.STILLS)
    await scheduler.make(stills, a_poster(job))
    [poster] = scheduler.job(job).outputs
    assert (poster.kind, poster.state, poster.width, poster.size) == ("poster", "ready", 640, 10)
    for task in tasks:
        await scheduler.encode(task)
    await scheduler.publishing.publish(job.id)
    done = scheduler.job(job)
    assert done.state is JobState.SUCCEEDED
    assert [each.kind for each in done.outputs] == ["poster", "hls", "dash"]
    assert done.outputs[0] == poster


async def test_a_job_is_not_over_before_its_files_are_there(scheduler: Scheduler) -> None:
    job, tasks = await scheduler.uploaded_and_probed()
    stills = await scheduler.besides(job, TaskKind.STILLS)
    for task in tasks:
        await scheduler.encode(task)
    await scheduler.publishing.publish(job.id)
    assert (scheduler.job(job).state, scheduler.job(job).playable) == (JobState.RUNNING, True)
    # What plays is whole: players need not wait for a poster.
    assert all(final for _, _, final in scheduler.playlists.written)
    await scheduler.make(stills, a_poster(job))
    assert scheduler.store.grown[-1] == job.id
    await scheduler.publishing.publish(job.id)
    assert scheduler.job(job).state is JobState.SUCCEEDED


async def test_a_stale_attempt_lands_nothing(scheduler: Scheduler) -> None:
    job, _ = await scheduler.uploaded_and_probed()
    stills = await scheduler.besides(job, TaskKind.STILLS)
    lost = await scheduler.claim(stills)
    await scheduler.lose(lost)
    held = await scheduler.make(stills, a_poster(job, epoch=2))
    with pytest.raises(Conflict, match="no longer held"):
        await scheduler.tasks.complete_files(lost.id, lost.epoch, [a_poster(job)])
    await scheduler.tasks.complete_files(held.id, held.epoch, [a_poster(job, epoch=2)])
    async with scheduler.store.transaction() as tx:
        assert await tx.files(job.id) == [a_poster(job, epoch=2)]
    assert scheduler.job(job).encoding.done == 0
    assert scheduler.job(job).beside["stills"].done == 2


@pytest.mark.parametrize("retryable", [True, False])
async def test_a_broken_poster_fails_no_video(scheduler: Scheduler, retryable: bool) -> None:
    job, tasks = await scheduler.uploaded_and_probed()
    stills = await scheduler.besides(job, TaskKind.STILLS, spec=EXPECTED)
    if retryable:
        await scheduler.wear_out(stills)
    else:
        held = await scheduler.claim(stills)
        await scheduler.tasks.fail(held.id, held.epoch, "corrupt", "no picture", retryable=False)
    assert scheduler.task(stills).state is TaskState.FAILED
    for task in tasks:
        await scheduler.encode(task)
    await scheduler.publishing.publish(job.id)
    done = scheduler.job(job)
    assert done.state is JobState.SUCCEEDED
    assert [(each.kind, each.state, each.object_key) for each in done.outputs[:1]] == [("poster", "errored", "")]
    assert [(each.name, each.state) for each in stages(done)][3] == ("stills", "failed")


async def test_a_poster_whose_workers_die_fails_no_video(scheduler: Scheduler) -> None:
    job, _ = await scheduler.uploaded_and_probed()
    stills = await scheduler.besides(job, TaskKind.STILLS, spec=EXPECTED)
    for _ in range(5):
        await scheduler.lose(await scheduler.claim(stills))
    assert scheduler.task(stills).state is TaskState.FAILED
    assert scheduler.job(job).state is JobState.RUNNING
    assert [each.state for each in scheduler.job(job).outputs] == ["errored"]


async def test_a_picture_that_cannot_be_made_fails_its_job(scheduler: Scheduler) -> None:
    job, _ = await scheduler.uploaded_and_probed()
    image = await scheduler.besides(job, TaskKind.IMAGE)
    held = await scheduler.claim(image)
    await scheduler.tasks.fail(held.id, held.epoch, "too_large", "a bomb", retryable=False)
    assert (scheduler.job(job).state, scheduler.job(job).error_code) == (JobState.FAILED, "too_large")


async def test_what_is_held_is_queued_once_all_is_encoded(scheduler: Scheduler) -> None:
    job, tasks = await scheduler.uploaded_and_probed()
    held = await scheduler.besides(job, TaskKind.IMAGE, held=True)
    for task in tasks:
        assert scheduler.task(held).state is TaskState.HELD
        assert held.subject not in scheduler.store.enqueued
        await scheduler.encode(task)
    assert scheduler.task(held).state is TaskState.QUEUED
    assert scheduler.store.enqueued.count(held.subject) == 1
    assert scheduler.job(job).encoded
    assert not scheduler.job(job).finished
    await scheduler.make(held)
    assert scheduler.job(job).finished


async def test_stages_count_what_is_made_beside_the_stream(scheduler: Scheduler) -> None:
    job, tasks = await scheduler.uploaded_and_probed()
    await scheduler.besides(job, TaskKind.STILLS)
    await scheduler.encode(tasks[0])
    told = [(each.name, each.state, each.tasks_done, each.tasks_total) for each in stages(scheduler.job(job))]
    assert told[2:] == [
        ("encode", "running", 1, len(tasks)),
        ("stills", "running", 1, 2),
        ("publish", "pending", 0, 1),
    ]


async def test_a_success_clears_away_files_that_never_landed(scheduler: Scheduler) -> None:
    job, tasks = await scheduler.uploaded_and_probed()
    stills = await scheduler.besides(job, TaskKind.STILLS)
    landed, lost = a_poster(job, epoch=2), a_poster(job, epoch=1)
    scheduler.outputs.keys = {landed.key, lost.key}
    await scheduler.make(stills, landed)
    for task in tasks:
        await scheduler.encode(task)
    await scheduler.publishing.publish(job.id)
    assert scheduler.outputs.keys == {landed.key}
