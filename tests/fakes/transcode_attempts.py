"""Fake of the part of the scheduler's Store that keeps attempts."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from services.transcode.scheduler.attempt import Attempt


@dataclass(kw_only=True)
class FakeAttempts:
    noted: list[Attempt] = field(default_factory=list)

    async def add_attempt(self, attempt: Attempt) -> None:
        known = {(each.task_id, each.epoch) for each in self.noted}
        if (attempt.task_id, attempt.epoch) not in known:
            self.noted.append(attempt)

    async def attempts(self, job_id: str, *, before: str | None, limit: int) -> Sequence[Attempt]:
        mine = [each for each in self.noted if each.job_id == job_id and (before is None or each.id < before)]
        return sorted(mine, key=lambda each: each.id, reverse=True)[:limit]

    async def forget_attempts(self, before: datetime) -> None:
        self.noted = [each for each in self.noted if each.create_time >= before]
