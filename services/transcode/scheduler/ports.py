"""What the scheduler needs from outside."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from services.transcode.scheduler.attempt import Noting
from services.transcode.scheduler.finding import Finding
from services.transcode.scheduler.quotas import Counting

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from contextlib import AbstractAsyncContextManager
    from datetime import datetime
    from typing import Any

    from services.transcode.scheduler.custom import Custom
    from services.transcode.scheduler.domain import Job, JobState
    from services.transcode.scheduler.file import File
    from services.transcode.scheduler.rendition import Rendition, Segment
    from services.transcode.scheduler.source import Source
    from services.transcode.scheduler.task import Task, TaskKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Sign:
    """A worker is still at a task, of which `progress` is done."""

    task_id: str
    epoch: int
    progress: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Beat:
    """What a sign of life met; `told_time` is when the world last heard of the job's progress."""

    job_id: str
    kind: TaskKind
    told_time: datetime | None


class Transaction(Counting, Finding, Noting, Protocol):
    async def first_time(self, consumer: str, message_id: str) -> bool:
        """Whether the consumer sees the message for the first time."""
        ...

    async def add_source(self, source: Source) -> Source:
        """What is kept of it: what was there before, if anything was."""
        ...

    async def source(self, tenant_id: str, asset_id: str, *, lock: bool = False) -> Source | None: ...
    async def delete_source(self, tenant_id: str, asset_id: str) -> None:
        """Also one that was not added yet: it will be deleted when it is."""
        ...

    async def known_facts(self, tenant_id: str, asset_id: str) -> Mapping[str, Any] | None:
        """What the newest probe of the asset found, if one was ever done."""
        ...

    async def restore_source(self, source: Source) -> None: ...
    async def purge(self, tenant_id: str, asset_id: str) -> None:
        """Every row of the asset and its jobs."""
        ...

    async def add_job(self, job: Job, request_id: str) -> Job:
        """Stores and gives `job` itself, or gives what the tenant made by the same `request_id`; says nothing."""
        ...

    async def twin(self, source: Source, making: str, request_id: str) -> Job | None:
        """The newest job of the source that makes this and did not fail, unless `request_id` made another one.

        The source is locked.
        """
        ...

    async def same_job(self, job: Job) -> Job | None:
        """The first other job of the tenant that makes, or made, the same of the same bytes, for which no other does.

        Nobody else finds out about the same bytes and making until the transaction ends.
        """
        ...

    async def waiting_jobs(self, limit: int) -> Sequence[Job]:
        """Running jobs that wait for what others make, oldest first."""
        ...

    async def job(self, job_id: str, *, lock: bool = False) -> Job | None: ...
    async def page(
        self, tenant_id: str, *, state: JobState | None, asset_id: str, before: str | None, limit: int
    ) -> Sequence[Job]: ...
    async def live_jobs(self, asset_id: str) -> Sequence[Job]:
        """Those of the asset that are not over, locked."""
        ...

    async def save_job(self, job: Job) -> None:
        """One that is over holds nothing of its tenant's quotas any more."""
        ...

    async def say(self, job: Job, fact: str) -> None:
        """Tell the world: queued, started, probed, progressed, playable, ready, succeeded, failed or cancelled."""
        ...

    async def say_grown(self, job: Job) -> None:
        """Tell ourselves that there is more of the job to show."""
        ...

    async def add_tasks(self, tasks: Sequence[Task]) -> None:
        """Stores them, all of one tenant, and puts a message for each that is queued in the work queue."""
        ...

    async def release_held(self, job_id: str, now: datetime) -> None:
        """Queue the job's tasks that were held until all is encoded."""
        ...

    async def turn(self, now: datetime) -> tuple[Task, Job] | None:
        """The task whose turn it is: of the tenant that had least of the workers, the one that is due first.

        A tenant that comes back, or comes first, begins where those who wait stand: it neither saves up nor owes.
        Tasks that wait for their backoff are passed over.
        """
        ...

    async def take(self, claimed: Task) -> bool:
        """Store a task as claimed, and charge its tenant with its weight. False when it is no longer queued."""
        ...

    async def held_by(self, worker_id: str) -> tuple[Task, Job] | None:
        """The task that this worker runs, as `task_of_job` gives it."""
        ...

    async def next_backoff(self) -> datetime | None:
        """When the first of the queued tasks that wait for their backoff may be claimed."""
        ...

    async def task(self, task_id: str) -> Task | None:
        """Locked, its job not: whoever changes both takes them by `task_of_job`."""
        ...

    async def task_of_job(self, task_id: str) -> tuple[Task, Job] | None:
        """Both locked, the job first, so that no two callers wait for each other."""
        ...

    async def tasks_of_jobs(self, task_ids: Sequence[str]) -> Sequence[tuple[Task, Job]]:
        """The same of those that there are."""
        ...

    async def save_task(self, task: Task) -> None:
        """One that is queued again waits for its turn, and its tenant gets back what it was charged."""
        ...

    async def enqueue(self, tasks: Sequence[Task], now: datetime) -> None:
        """Put a message for each in the work queue again."""
        ...

    async def cancel_tasks(self, job_id: str) -> None:
        """All of the job's that are queued or run; those that are held were never begun, and stay held."""
        ...

    async def retry_tasks(self, job: Job, now: datetime) -> None:
        """Queue those that failed or were cancelled anew, their attempts forgotten; of a job without a plan, its probe.

        What the job does without since it failed stays so.
        """
        ...

    async def lost(self, before: datetime, limit: int) -> Sequence[Job]:
        """Failed and cancelled jobs that ended before then and whose outputs are still there, oldest first."""
        ...

    async def running_weight(self, job_id: str) -> float:
        """Weight done so far in the tasks of the job that run."""
        ...

    async def expired(self, now: datetime, limit: int) -> Sequence[Task]:
        """Running tasks past their lease, locked; those that somebody else holds are left out."""
        ...

    async def waiting(self, before: datetime, limit: int) -> Sequence[Task]:
        """Queued tasks whose last message is from before then, oldest first, locked likewise."""
        ...

    async def unpublished(self, before: datetime, limit: int) -> Sequence[Job]:
        """Jobs whose last playlists, or whose success, are still to be told, encoded before then."""
        ...

    async def add_renditions(self, renditions: Sequence[Rendition]) -> None: ...
    async def renditions(self, job_id: str) -> Sequence[Rendition]: ...
    async def save_rendition(self, rendition: Rendition) -> None: ...
    async def land(self, tasks: Sequence[Task], job: Job, segments: Sequence[Segment]) -> None:
        """Save running tasks as succeeded, their job and what they made."""
        ...

    async def add_segments(self, job_id: str, segments: Sequence[Segment]) -> None: ...
    async def segments(self, job_id: str) -> Sequence[Segment]: ...
    async def segment_keys(self, job_id: str, rendition: str, start: int, limit: int) -> Sequence[str]:
        """Of a rendition's segments, by number, from `start` on."""
        ...

    async def add_files(self, job_id: str, files: Sequence[File]) -> None:
        """Each in the place of one that has its name."""
        ...

    async def files(self, job_id: str) -> Sequence[File]: ...
    async def preset(self, tenant_id: str, name: str) -> Custom | None: ...
    async def presets(self, tenant_id: str) -> Sequence[Custom]:
        """By name."""
        ...

    async def save_preset(self, custom: Custom) -> None: ...
    async def delete_preset(self, tenant_id: str, name: str) -> None: ...
    async def lock_presets(self, tenant_id: str) -> None:
        """One writer of a tenant's presets at a time, until the transaction ends."""
        ...

    async def lock_playlists(self, job_id: str) -> None:
        """One writer of a job's playlists at a time, until the transaction ends."""
        ...


class Signals(Protocol):
    """What workers say many times a second. Each call takes effect by itself."""

    async def claim(self, workers: Sequence[str], lease_end: datetime, now: datetime) -> Sequence[tuple[Task, Job]]:
        """`turn`, `Task.claim` and `take` in one look, for the first ones of `workers`, in their order.

        For as many as that can be done for: not for a task whose job has not begun. None does not say that none waits.
        """
        ...

    async def beat(self, signs: Sequence[Sign], lease_end: datetime) -> Mapping[tuple[str, int], Beat]:
        """Extend the leases of those claims that run, by task and epoch. Progress never goes back."""
        ...


class Store(Protocol):
    def signals(self) -> AbstractAsyncContextManager[Signals]: ...
    def transaction(self) -> AbstractAsyncContextManager[Transaction]: ...
    def at_once(self) -> AbstractAsyncContextManager[Transaction]:
        """Each call takes effect by itself; for those that say nothing."""
        ...


class Playlists(Protocol):
    async def write(self, key: str, text: str, *, final: bool) -> None: ...


class Queue(Protocol):
    async def drained(self) -> bool:
        """Whether no message waits for a worker. Raises Unavailable."""
        ...

    async def born(self) -> datetime:
        """When the work queue was made: messages sent before are not in it. Raises Unavailable."""
        ...
