"""One claim of a task that ended: what its worker ran, and what that last said."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """`outcome` is succeeded, failed or cancelled."""

    id: str
    job_id: str
    task_id: str
    kind: str
    index: int
    epoch: int
    worker_id: str
    outcome: str
    error_code: str
    command: str
    log: str
    create_time: datetime


class Noting(Protocol):
    async def add_attempt(self, attempt: Attempt) -> None:
        """Of one that is known already, nothing."""
        ...

    async def attempts(self, job_id: str, *, before: str | None, limit: int) -> Sequence[Attempt]:
        """Newest first."""
        ...

    async def forget_attempts(self, before: datetime) -> None: ...
