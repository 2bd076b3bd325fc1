"""A scheduler that restarts costs nobody anything."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reelmesh.transcode.v1 import transcode_pb2

from services.transcode.scheduler.main import main
from tests.eventually import eventually
from tests.serving import serving

if TYPE_CHECKING:
    from pathlib import Path

    from services.transcode.scheduler.main import Settings
    from tests.integration.transcode.studio import Studio
    from tests.integration.transcode.workers import Workers


async def test_a_job_outlives_its_scheduler(settings: Settings, studio: Studio, workers: Workers, clip: Path) -> None:
    async with workers.working(studio.address) as worker:
        async with serving(main, settings):
            job = await studio.job_of(await studio.bring_in(clip))
            await eventually(lambda: worker.encoding, within=20)
        async with serving(main, settings):
            job = await studio.ended(job)
    assert job.state == transcode_pb2.Job.STATE_SUCCEEDED
    assert {task.attempts for task in await studio.tasks(job)} == {1}
