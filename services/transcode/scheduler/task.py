"""Tasks, and the leases under which workers hold them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from meshkit.errors import Conflict

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

MAX_ATTEMPTS = 5
"""Claims of one task that may end without a result."""
HEAD_START = timedelta(hours=1)
"""By how much what makes a video playable goes before what finishes others; those are not held up for longer."""
PRIORITY_STEP = timedelta(minutes=1)
"""By how much a job goes before one of the same tenant whose priority is one lower."""


class TaskState(StrEnum):
    HELD = "held"
    """Not queued before all that encodes is done."""
    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


class TaskKind(StrEnum):
    PROBE = "probe"
    ENCODE_VIDEO = "encode_video"
    ENCODE_AUDIO = "encode_audio"
    STILLS = "stills"
    IMAGE = "image"
    SUBTITLES = "subtitles"
    MUX = "mux"
    ANALYSIS = "analysis"


ENCODES = frozenset({TaskKind.ENCODE_VIDEO, TaskKind.ENCODE_AUDIO})
OPTIONAL = frozenset({TaskKind.STILLS, TaskKind.SUBTITLES, TaskKind.ANALYSIS})
"""Kinds whose failure leaves what they should have made out, and fails no job."""
TASK_OVER = frozenset({TaskState.SUCCEEDED, TaskState.FAILED, TaskState.CANCELLED})


def due(now: datetime, priority: int, *, urgent: bool = False, into: timedelta = timedelta(0)) -> datetime:
    """When a task queued `now` is due: of a tenant's tasks, the one that is due first is done first.

    That is ageing: what came long ago is due before all that comes now, whatever its priority. `into` is how far into
    the video its pictures lie, by which a long video lets a short one pass.
    """
    return now + into - priority * PRIORITY_STEP - urgent * HEAD_START


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One thing for one worker. `epoch` counts the claims: only the newest claim's words count."""

    id: str
    job_id: str
    tenant_id: str
    kind: TaskKind
    index: int
    state: TaskState = TaskState.QUEUED
    due_time: datetime
    """Of the tenant's tasks, the one that is due first is done first; see `due`."""
    weight: float
    """What it costs, in megapixels to encode: its part of its job's work, and of its tenant's share of the workers."""
    spec: Mapping[str, Any] = field(default_factory=dict)
    epoch: int = 0
    attempts: int = 0
    progress: float = 0.0
    worker_id: str = ""
    lease_expire_time: datetime | None = None
    not_before: datetime | None = None
    """While a failed attempt's backoff lasts."""
    queue_time: datetime
    """When the work queue last got a message for it."""
    trace: Mapping[str, str] = field(default_factory=dict)
    """W3C Trace Context of the call that queued it first."""
    error_code: str = ""
    error_message: str = ""

    @property
    def subject(self) -> str:
        return f"tasks.{self.id}"

    @property
    def over(self) -> bool:
        return self.state in TASK_OVER

    def claim(self, worker_id: str, lease: timedelta, now: datetime) -> Task:
        return replace(
            self,
            state=TaskState.RUNNING,
            epoch=self.epoch + 1,
            attempts=self.attempts + 1,
            progress=0.0,
            worker_id=worker_id,
            lease_expire_time=now + lease,
            not_before=None,
        )

    def held(self, epoch: int) -> Task:
        """The same task. Raises Conflict (`stale_epoch`) unless it runs under `epoch`."""
        if self.epoch != epoch or self.state is not TaskState.RUNNING:
            raise Conflict("stale_epoch", "the task is no longer held under this epoch", epoch=self.epoch)
        return self

    def done(self, epoch: int) -> bool:
        """Whether this very claim already gave its result. Raises Conflict for a claim that no longer counts."""
        if self.state is TaskState.SUCCEEDED and self.epoch == epoch:
            return True
        self.held(epoch)
        return False

    def succeed(self, epoch: int) -> Task:
        return replace(self.held(epoch), state=TaskState.SUCCEEDED, progress=1.0, lease_expire_time=None)

    def fail(self, epoch: int, code: str, message: str) -> Task:
        return replace(
            self.held(epoch),
            state=TaskState.FAILED,
            lease_expire_time=None,
            error_code=code,
            error_message=message,
        )

    def retry(self, epoch: int, code: str, message: str, backoff: timedelta, now: datetime) -> Task:
        """Queued again, not to be claimed before the backoff is over."""
        return replace(
            self.held(epoch),
            state=TaskState.QUEUED,
            progress=0.0,
            lease_expire_time=None,
            not_before=now + backoff,
            error_code=code,
            error_message=message,
        )

    def release(self, epoch: int) -> Task:
        """Handed back undone: it does not count as an attempt."""
        return replace(
            self.held(epoch),
            state=TaskState.QUEUED,
            progress=0.0,
            attempts=self.attempts - 1,
            lease_expire_time=None,
        )

    def expire(self) -> Task:
        """Queued again after its lease ran out, before all that is new: it should have been done by now."""
        return replace(
            self, state=TaskState.QUEUED, due_time=self.due_time - HEAD_START, progress=0.0, lease_expire_time=None
        )
