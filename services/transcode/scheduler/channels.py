"""The work queue, as far as the scheduler looks into it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from meshkit.topology import TASKS

if TYPE_CHECKING:
    from datetime import datetime

    from meshkit.nats import Bus
    from services.transcode.scheduler.domain import Task


class JetStreamQueue:
    def __init__(self, bus: Bus) -> None:
        self._bus = bus

    async def size(self) -> int:
        return await self._bus.size(TASKS)

    async def has(self, task: Task) -> bool:
        return await self._bus.has_message(TASKS, task.subject)

    async def born(self) -> datetime:
        return await self._bus.born(TASKS)
