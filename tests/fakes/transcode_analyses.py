"""Fake of what the scheduler's store keeps of analyses."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from services.transcode.scheduler.task import TaskState

if TYPE_CHECKING:
    from collections.abc import Sequence

    from services.transcode.scheduler.task import Task, TaskKind


@dataclass(kw_only=True)
class FakeAnalyses:
    tasks: dict[str, Task]
    found: dict[tuple[str, int], str] = field(default_factory=dict)

    async def add_part(self, job_id: str, index: int, part_json: str) -> None:
        assert (job_id, index) not in self.found, f"part {index} landed twice"
        self.found[job_id, index] = part_json

    async def parts(self, job_id: str) -> Sequence[str]:
        return [part for key, part in sorted(self.found.items()) if key[0] == job_id]

    async def forget_parts(self, job_id: str) -> None:
        self.found = {key: part for key, part in self.found.items() if key[0] != job_id}

    async def drop_tasks(self, job_id: str, kind: TaskKind) -> tuple[int, float]:
        mine = [each for each in self.tasks.values() if (each.job_id, each.kind) == (job_id, kind) and not each.over]
        for task in mine:
            self.tasks[task.id] = replace(task, state=TaskState.FAILED, lease_expire_time=None, error_code="given_up")
        return len(mine), sum(each.weight for each in mine)
