"""A worker's disk fills while it encodes: it ends what it is at, and others do the rest."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.eventually import eventually
from tests.faults.conftest import SEVERAL_CHUNKS
from tests.faults.small_disk import on_small_disk
from tests.faults.zombie import said_by

if TYPE_CHECKING:
    from local.mesh import RunningMesh
    from tests.faults.conftest import Begin
    from tests.faults.state import Task


async def test_a_worker_with_a_full_disk_takes_no_more(mesh: RunningMesh, begin: Begin) -> None:
    async with on_small_disk(mesh, "worker-2") as fill:
        run = await begin(SEVERAL_CHUNKS)

        def there(tasks: list[Task]) -> list[Task]:
            return [task for task in tasks if task.encoding and run.holder(task) == "worker-2"]

        [encoding] = await run.moment(there)
        fill()
        await run.came_through()
        # Segments are stored as they close and lie on no disk: the chunk at hand is not lost.
        [ended] = [task for task in await run.tasks() if task.id == encoding.id]
        assert (ended.attempts, ended.worker_id) == (1, encoding.worker_id)
        done_there = {task.id for task in run.before if task.done and task.worker_id == encoding.worker_id}
        its_own = {task.id for task in await run.tasks() if task.worker_id == encoding.worker_id}
        assert its_own == done_there | {encoding.id}
        await eventually(lambda: [said for said in said_by(mesh, "worker-2") if "scratch_full" in said])
