"""A track that takes long as a whole lands while it grows, and is played so far."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from meshkit.errors import Conflict
from tests.fakes.transcode_rows import results_of
from tests.unit.transcode_scheduler.test_publishing import segments

if TYPE_CHECKING:
    from services.transcode.scheduler.rendition import Result
    from services.transcode.scheduler.task import Task
    from tests.unit.transcode_scheduler.scheduled import Scheduler


def sound_of(held: Task, count: int) -> Result:
    """Its first segments."""
    (whole,) = results_of(held)
    return replace(whole, segments=whole.segments[:count])


async def test_a_job_is_playable_with_the_first_of_its_sound(scheduler: Scheduler) -> None:
    job, (first, audio, *_) = await scheduler.uploaded_and_probed()
    await scheduler.encode(first)
    await scheduler.publishing.publish(job.id)
    held = await scheduler.claim(audio)
    scheduler.store.grown.clear()
    await scheduler.tasks.land_segments(held.id, held.epoch, sound_of(held, 1))
    assert scheduler.store.grown == [job.id]
    await scheduler.publishing.publish(job.id)
    assert scheduler.job(job).playable
    assert segments(scheduler, job, "audio.m3u8") == [0]
    await scheduler.tasks.land_segments(held.id, held.epoch, sound_of(held, 2))
    assert scheduler.store.grown == [job.id]
    await scheduler.tasks.complete_encode(held.id, held.epoch, [sound_of(held, 3)])
    await scheduler.publishing.publish(job.id)
    assert segments(scheduler, job, "audio.m3u8") == [0, 1, 2]


async def test_what_landed_stays_when_another_worker_does_the_rest(scheduler: Scheduler) -> None:
    job, (_, audio, *_) = await scheduler.uploaded_and_probed()
    lost = await scheduler.claim(audio)
    await scheduler.tasks.land_segments(lost.id, lost.epoch, sound_of(lost, 2))
    await scheduler.lose(lost)
    held = await scheduler.claim(audio)
    await scheduler.tasks.land_segments(held.id, held.epoch, sound_of(held, 1))
    await scheduler.tasks.complete_encode(held.id, held.epoch, [sound_of(held, 3)])
    keys = [each.key for each in await scheduler.store.segments(job.id) if each.rendition == "audio"]
    assert keys == [each.key for each in (*sound_of(lost, 2).segments, sound_of(held, 3).segments[2])]


async def test_of_a_lost_lease_nothing_lands(scheduler: Scheduler) -> None:
    job, (_, audio, *_) = await scheduler.uploaded_and_probed()
    lost = await scheduler.claim(audio)
    await scheduler.lose(lost)
    with pytest.raises(Conflict, match="stale_epoch"):
        await scheduler.tasks.land_segments(lost.id, lost.epoch, sound_of(lost, 1))
    assert not await scheduler.store.segments(job.id)
