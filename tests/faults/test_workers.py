"""Workers die, freeze and go, at any moment; what they held is done elsewhere, once."""

from __future__ import annotations

import asyncio
import os
import signal
from typing import TYPE_CHECKING

import pytest

from meshkit.errors import Conflict
from tests.eventually import eventually
from tests.faults.conftest import ONE_CHUNK, SEVERAL_CHUNKS
from tests.faults.disturbed import ELSEWHERE
from tests.faults.zombie import late_result, said_by, speaking_as_worker

if TYPE_CHECKING:
    from local.mesh import RunningMesh
    from tests.faults.conftest import Begin

AT_ONCE = 2.0


async def test_a_dead_workers_chunk_runs_elsewhere_soon(mesh: RunningMesh, begin: Begin) -> None:
    run = await begin(ONE_CHUNK)
    lost = await run.alone()
    await mesh.kill(run.holder(lost))
    anew = await run.claimed_anew(lost, within=ELSEWHERE)
    assert anew.worker_id != lost.worker_id
    await run.came_through()


async def test_a_worker_killed_while_it_probes(mesh: RunningMesh, begin: Begin) -> None:
    run = await begin(ONE_CHUNK)
    [probe] = await run.moment(lambda tasks: [task for task in tasks if task.state == "running"])
    assert probe.kind == "probe"
    await mesh.kill(run.holder(probe))
    await run.came_through()


async def test_a_killed_worker_costs_one_chunk(mesh: RunningMesh, begin: Begin) -> None:
    run = await begin(SEVERAL_CHUNKS)
    lost = await run.encoding()
    await mesh.kill(run.holder(lost))
    await run.came_through()
    attempts = {task.id: task.attempts for task in await run.tasks()}
    assert attempts.pop(lost.id) == 2
    assert set(attempts.values()) == {1}


async def test_all_workers_killed_at_once(mesh: RunningMesh, begin: Begin) -> None:
    run = await begin(SEVERAL_CHUNKS)
    await run.encoding()
    await asyncio.gather(mesh.kill("worker-1"), mesh.kill("worker-2"))
    await run.came_through()


async def test_a_worker_that_has_to_go_hands_its_chunk_on_at_once(mesh: RunningMesh, begin: Begin) -> None:
    run = await begin(ONE_CHUNK)
    handed_on = await run.alone()
    name = run.holder(handed_on)
    going = asyncio.create_task(mesh.stop(name))
    try:
        anew = await run.claimed_anew(handed_on, within=AT_ONCE)
    finally:
        await going
        await mesh.start(name)
    assert (anew.epoch, anew.attempts) == (2, 1)
    assert anew.worker_id != handed_on.worker_id
    await run.came_through()


async def test_a_frozen_worker_changes_nothing_when_it_thaws(mesh: RunningMesh, begin: Begin) -> None:
    run = await begin(ONE_CHUNK)
    lost = await run.alone()
    zombie = run.holder(lost)
    os.kill(mesh.pids[zombie], signal.SIGSTOP)
    try:
        await run.claimed_anew(lost, within=ELSEWHERE)
        await run.came_through()
        tasks, segments = await run.tasks(), await run.state.segments(run.job.id)
        async with speaking_as_worker(mesh) as scheduler:
            with pytest.raises(Conflict, match="stale_epoch"):
                await scheduler.complete(*late_result(lost, segments))
    finally:
        os.kill(mesh.pids[zombie], signal.SIGCONT)
    await eventually(lambda: [said for said in said_by(mesh, zombie) if lost.id in said and "stale_epoch" in said])
    assert (await run.tasks(), await run.state.segments(run.job.id)) == (tasks, segments)
