"""What the mesh stands on goes away in the middle of a job and comes back; the job ends as if it had stayed."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from tests.faults.conftest import SEVERAL_CHUNKS
from tests.faults.disturbed import ELSEWHERE

if TYPE_CHECKING:
    from local.mesh import RunningMesh
    from tests.faults.conftest import Begin
    from tests.faults.disturbed import Disturbed


async def test_a_killed_scheduler(mesh: RunningMesh, begin: Begin) -> None:
    run = await begin(SEVERAL_CHUNKS)
    await run.encoding()
    await mesh.kill("scheduler")
    await run.came_through()
    await nothing_was_tried_twice(run)


@pytest.mark.parametrize("server", ["postgres", "nats"])
async def test_a_killed_server(server: str, mesh: RunningMesh, begin: Begin) -> None:
    run = await begin(SEVERAL_CHUNKS)
    await run.encoding()
    await mesh.kill(server)
    await mesh.start(server)
    await run.came_through()
    await nothing_was_tried_twice(run)


async def test_everything_restarts_in_peace(mesh: RunningMesh, begin: Begin) -> None:
    run = await begin(SEVERAL_CHUNKS)
    await run.encoding()
    for name in ("scheduler", "nats", "postgres", "seaweed"):
        await mesh.restart(name)
    await run.came_through()


async def test_a_wiped_queue_and_a_killed_worker(mesh: RunningMesh, begin: Begin) -> None:
    run = await begin(SEVERAL_CHUNKS)
    lost = await run.encoding()
    since = time.monotonic()
    await mesh.kill(run.holder(lost))
    await mesh.servers.wipe_nats()
    await run.claimed_anew(lost, within=ELSEWHERE, since=since)
    await run.came_through()


async def nothing_was_tried_twice(run: Disturbed) -> None:
    """Not even what was in the middle: workers go on, and say how it ended once there is someone to hear it.

    A claim whose answer was lost on its way is given again.
    """
    assert {task.attempts for task in await run.tasks()} == {1}
