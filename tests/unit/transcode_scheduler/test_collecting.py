"""A job that succeeded keeps what its playlists name, and nothing of the attempts that never landed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from services.transcode.scheduler.collecting import left_over
from services.transcode.scheduler.domain import RETRY_WITHIN

if TYPE_CHECKING:
    from services.transcode.scheduler.domain import Job
    from tests.unit.transcode_scheduler.scheduled import Scheduler

PREFIX = "assets/a/jobs/j/"


@pytest.mark.parametrize(
    "name",
    ["v720/000003-1.m4s", "v720/1234567-22.m4s", "audio/init-0123456789abcdef.mp4", "subtitles/0123456789abcdef.json"],
)
def test_what_workers_make_is_left_over_unless_it_is_wanted(name: str) -> None:
    assert left_over(PREFIX + name, PREFIX, set())
    assert not left_over(PREFIX + name, PREFIX, {PREFIX + name})


@pytest.mark.parametrize("name", ["master.m3u8", "v720.m3u8", "manifest.mpd", "poster/0.jpg", "v720/poster-1.jpg"])
def test_what_others_lay_beside_it_is_none_of_its_business(name: str) -> None:
    assert not left_over(PREFIX + name, PREFIX, set())


async def test_only_a_success_clears_away(scheduler: Scheduler) -> None:
    job, tasks = await scheduler.uploaded_and_probed()
    lost = f"{job.object_prefix}v720/000001-7.m4s"
    other = "assets/other/jobs/x/v720/000001-7.m4s"
    scheduler.outputs.keys = {lost, other}
    for task in tasks[:-1]:
        await scheduler.encode(task)
        await scheduler.publishing.publish(job.id)
    assert lost in scheduler.outputs.keys
    await scheduler.encode(tasks[-1])
    async with scheduler.store.transaction() as tx:
        landed = {segment.key for segment in await tx.segments(job.id)}
    scheduler.outputs.keys |= landed
    await scheduler.publishing.publish(job.id)
    assert scheduler.outputs.keys == {other} | landed


async def test_what_a_lost_job_made_goes_once_it_can_no_longer_be_retried(scheduler: Scheduler) -> None:
    jobs = [await scheduler.uploaded_and_probed() for _ in range(3)]
    for _, tasks in jobs:
        await scheduler.encode(tasks[0])
    (cancelled, _), (failed, tasks), (runs, _) = jobs
    await scheduler.jobs.cancel(cancelled.tenant_id, cancelled.id)
    await scheduler.wear_out(tasks[1])
    made = {job.id: f"{job.object_prefix}v720/000000-1.m4s" for job, _ in jobs}
    scheduler.outputs.keys = set(made.values())

    async def swept_after(wait: float) -> set[str]:
        scheduler.wait(wait)
        await scheduler.collecting.sweep()
        return {key for key in made.values() if key not in scheduler.outputs.keys}

    def is_collected(job: Job) -> bool:
        return scheduler.job(job).collected

    assert await swept_after(RETRY_WITHIN.total_seconds() - 1000) == set()
    assert await swept_after(2000) == {made[cancelled.id], made[failed.id]}
    assert [is_collected(job) for job in (cancelled, failed, runs)] == [True, True, False]
