"""Progress as the world hears of it."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from fractions import Fraction
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from meshkit.errors import Conflict
from services.transcode.scheduler.claiming import Claim
from services.transcode.scheduler.domain import JobState
from services.transcode.scheduler.stages import eta, stages, timings
from tests.fakes.transcode_rows import results_of, some_facts
from tests.unit.transcode_media.builders import an_audio
from tests.unit.transcode_scheduler.scheduled import Scheduler

if TYPE_CHECKING:
    from services.transcode.scheduler.task import Task


async def test_progress_never_goes_back_and_is_one_only_at_the_end(scheduler: Scheduler) -> None:
    job, tasks = await scheduler.uploaded_and_probed()
    seen = [0.0, scheduler.job(job).progress]
    for task in tasks:
        for step in (0.9, 0.1):
            held = await scheduler.claim(task)
            await scheduler.tasks.beat(held.id, held.epoch, step)
            seen.append(scheduler.job(job).progress)
            # Begun anew, the task is back at nothing; the job is not.
            await scheduler.tasks.release(held.id, held.epoch)
            scheduler.wait(1)
        await scheduler.encode(task)
        seen.append(scheduler.job(job).progress)
    assert seen == sorted(seen)
    assert 0.0 < seen[1] < seen[-1] < 1.0
    await scheduler.publishing.publish(job.id)
    assert scheduler.job(job).progress == 1.0


async def test_what_others_have_done_so_far_counts(scheduler: Scheduler) -> None:
    reached = []
    for half_done in (0.0, 0.5):
        job, (first, _, second, *_) = await scheduler.uploaded_and_probed()
        held = await scheduler.claim(second)
        await scheduler.encode(first)
        await scheduler.tasks.beat(held.id, held.epoch, half_done)
        reached.append(scheduler.job(job).progress)
    assert reached[0] < reached[1]


async def test_progress_is_told_at_most_once_a_second(scheduler: Scheduler) -> None:
    _, tasks = await scheduler.uploaded_and_probed()
    held = await scheduler.claim(tasks[0])
    for step in range(1, 31):
        await scheduler.tasks.beat(held.id, held.epoch, (step + 10) / 40)
        scheduler.wait(0.1)
    told = [job.progress for fact, job in scheduler.store.said if fact == "progressed"]
    assert len(told) == 3
    assert told == sorted(told)


async def test_less_than_a_percent_more_is_not_told(scheduler: Scheduler) -> None:
    _, tasks = await scheduler.uploaded_and_probed()
    held = await scheduler.claim(tasks[0])
    for step in range(200):
        scheduler.wait(1)
        await scheduler.tasks.beat(held.id, held.epoch, step / 200)
    told = [0.0, *(job.progress for fact, job in scheduler.store.said if fact == "progressed")]
    assert len(told) > 5
    assert all(after - before >= 0.01 for before, after in pairwise(told))


async def test_a_heartbeat_without_progress_tells_nothing(scheduler: Scheduler) -> None:
    _, tasks = await scheduler.uploaded_and_probed()
    held = await scheduler.claim(tasks[0])
    for _ in range(3):
        scheduler.wait(2)
        await scheduler.tasks.beat(held.id, held.epoch, 0.0)
    assert "progressed" not in scheduler.facts()


async def test_a_probe_has_no_progress_to_tell(scheduler: Scheduler) -> None:
    await scheduler.upload()
    held = await scheduler.claim(scheduler.queued()[0])
    await scheduler.tasks.beat(held.id, held.epoch, 0.5)
    assert scheduler.facts() == ["queued", "started"]


async def test_an_image_is_no_stream(scheduler: Scheduler) -> None:
    job = await scheduler.upload()
    image = some_facts(kind="image", audio=None, duration=Fraction(0))
    assert await scheduler.probe(job, image) == []
    await scheduler.publishing.publish(job.id)
    done = scheduler.job(job)
    assert (done.state, done.playable) == (JobState.SUCCEEDED, False)
    assert not scheduler.playlists.written
    assert [(stage.name, stage.state) for stage in stages(done)][2:4] == [
        ("encode", "succeeded"),
        ("image", "succeeded"),
    ]
    assert scheduler.facts() == ["queued", "started", "probed", "succeeded"]


async def test_sound_alone_is_one_task(scheduler: Scheduler) -> None:
    job = await scheduler.upload()
    [audio] = await scheduler.probe(job, some_facts(video=None, audio=an_audio(stream=0)))
    await scheduler.encode(audio)
    await scheduler.publishing.publish(job.id)
    done = scheduler.job(job)
    assert done.state is JobState.SUCCEEDED
    assert {output.codec for output in done.outputs} == {"mp4a.40.2"}


async def test_stages_show_where_a_job_stands(scheduler: Scheduler) -> None:
    async def standing() -> list[str]:
        return [stage.state for stage in stages(scheduler.job(job)) if stage.name != "stills"]

    job = await scheduler.upload()
    assert await standing() == ["pending"] * 4
    tasks = await scheduler.probe(job)
    assert await standing() == ["succeeded", "succeeded", "running", "pending"]
    for task in tasks:
        scheduler.wait(1)
        await scheduler.encode(task)
    assert await standing() == ["succeeded", "succeeded", "succeeded", "running"]
    scheduler.wait(1)
    await scheduler.publishing.publish(job.id)
    assert await standing() == ["succeeded"] * 4
    took = timings(scheduler.job(job))
    assert (took["encode"], took["publish"], took["total"]) == (5.0, 1.0, 6.0)


async def test_a_job_that_ended_shows_where(scheduler: Scheduler) -> None:
    job, tasks = await scheduler.uploaded_and_probed()
    await scheduler.wear_out(tasks[0])
    assert [stage.state for stage in stages(scheduler.job(job))] == [
        *("succeeded", "succeeded", "failed", "succeeded", "pending")
    ]


STEPS = st.lists(
    st.tuples(st.sampled_from(["beat", "encode", "release", "fail", "lose", "retry"]), st.floats(0, 1)), max_size=25
)


@given(steps=STEPS)
@settings(max_examples=60, deadline=None)
def test_progress_never_goes_back_whatever_happens(steps: list[tuple[str, float]]) -> None:
    asyncio.run(_never_back(Scheduler(), steps))


async def _never_back(scheduler: Scheduler, steps: list[tuple[str, float]]) -> None:
    job, _ = await scheduler.uploaded_and_probed()
    seen = [scheduler.job(job).progress]
    for step, part in steps:
        if step == "retry":
            with suppress(Conflict):
                await scheduler.jobs.cancel(job.tenant_id, job.id)
                await scheduler.jobs.retry(job.tenant_id, job.id)
        else:
            scheduler.wait(61)
            claim = await scheduler.tasks.claim("worker")
            if isinstance(claim, Claim):
                await scheduler.tasks.beat(claim.task.id, claim.task.epoch, part)
                await _end(scheduler, step, claim.task)
        await scheduler.publishing.publish(job.id)
        seen.append(scheduler.job(job).progress)
        left_over = eta(scheduler.job(job))
        assert left_over is None or left_over >= 0
    assert seen == sorted(seen)
    assert all(0.0 <= each <= 1.0 for each in seen)


async def _end(scheduler: Scheduler, step: str, held: Task) -> None:
    match step:
        case "encode":
            await scheduler.tasks.complete_encode(held.id, held.epoch, results_of(held))
        case "release":
            await scheduler.tasks.release(held.id, held.epoch)
        case "fail":
            await scheduler.tasks.fail(held.id, held.epoch, "encode_failed", "", retryable=True)
        case _:
            await scheduler.lose(held)


async def test_the_rest_is_estimated_by_the_speed_so_far(scheduler: Scheduler) -> None:
    job, tasks = await scheduler.uploaded_and_probed()
    assert eta(scheduler.job(job)) is None
    scheduler.wait(10)
    for task in tasks[:2]:
        await scheduler.encode(task)
    now = scheduler.job(job)
    assert eta(now) == pytest.approx(10 * (now.weight_total / now.weight_done - 1), abs=0.1)
    await scheduler.jobs.cancel(job.tenant_id, job.id)
    assert eta(scheduler.job(job)) is None
    scheduler.wait(3600)
    await scheduler.jobs.retry(job.tenant_id, job.id)
    held = await scheduler.claim(tasks[2])
    assert eta(scheduler.job(job)) is None
    scheduler.wait(5)
    await scheduler.tasks.complete_encode(held.id, held.epoch, results_of(held))
    now = scheduler.job(job)
    assert eta(now) == pytest.approx(5 * (now.weight_total - now.weight_done) / held.weight, abs=0.1)
