"""What a transaction keeps of an analysis while it goes on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from services.transcode.scheduler.task import TaskKind


class Finding(Protocol):
    """Parts are what was found in the chunks of a job, and in its sound, as JSON, until all of it is told."""

    async def add_part(self, job_id: str, index: int, part_json: str) -> None: ...
    async def parts(self, job_id: str) -> Sequence[str]:
        """By index."""
        ...

    async def forget_parts(self, job_id: str) -> None: ...
    async def drop_tasks(self, job_id: str, kind: TaskKind) -> tuple[int, float]:
        """Fails those of the job that are not over, held ones too: how many there were, and their weight."""
        ...
