"""The work queue, as far as the scheduler looks into it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from meshkit.topology import TASKS, WORKERS

if TYPE_CHECKING:
    from datetime import datetime

    from meshkit.nats import Bus


class JetStreamQueue:
    def __init__(self, bus: Bus) -> None:
        self._bus = bus

    async def drained(self) -> bool:
        return await self._bus.waiting(WORKERS) == 0

    async def born(self) -> datetime:
        return await self._bus.born(TASKS)
