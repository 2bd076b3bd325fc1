"""Workers, the queue and the scheduler go away, and every job still ends as it should."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reelmesh.transcode.v1 import transcode_pb2

from meshkit.topology import TASKS
from tests.clips import pictures
from tests.eventually import eventually

if TYPE_CHECKING:
    from pathlib import Path

    from tests.clips import Clips
    from tests.integration.transcode.studio import Studio
    from tests.integration.transcode.workers import Workers

Job = transcode_pb2.Job


async def test_a_worker_that_has_to_go_hands_its_chunk_on(
    studio: Studio, address: str, workers: Workers, clips: Clips, tmp_path: Path
) -> None:
    clip = clips.barcoded("large.mp4", frames=200, rate="50", size=(640, 360))
    async with workers.working(address) as worker:
        job = await studio.job_of(await studio.bring_in(clip))
        await eventually(lambda: worker.encoding, within=20)
        await worker.stop()
        assert not worker.busy
    [_, left, *_] = await studio.tasks(job)
    assert (left.state, left.epoch, left.attempts) == ("queued", 1, 0)
    async with workers.working(address) as another:
        job = await studio.ended(job)
    assert job.state == Job.STATE_SUCCEEDED
    [_, done, *_] = await studio.tasks(job)
    assert (done.epoch, done.attempts, done.worker_id) == (2, 1, another.id)
    shown = pictures(await studio.track(job, "v360.m3u8", tmp_path / "video.mp4"))
    assert [picture.number for picture in shown] == list(range(200))


async def test_a_queue_that_lost_its_messages_gets_new_ones(
    studio: Studio, address: str, workers: Workers, clip: Path
) -> None:
    job = await studio.job_of(await studio.bring_in(clip))
    await eventually(lambda: _waits(studio, job, "probe"))
    await studio.bus.js.purge_stream(TASKS)
    assert await studio.messages(job) == []
    await studio.time_passes(job)
    await eventually(lambda: _waits(studio, job, "probe"))
    async with workers.working(address):
        assert (await studio.ended(job)).state == Job.STATE_SUCCEEDED


async def _waits(studio: Studio, job: Job, kind: str) -> bool:
    return await studio.messages(job) == [kind]
