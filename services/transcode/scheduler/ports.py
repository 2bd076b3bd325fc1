"""What the scheduler needs from outside."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence
    from contextlib import AbstractAsyncContextManager
    from datetime import datetime

    from services.transcode.scheduler.domain import Job, JobState, Rendition, Segment, Source, Task


class Transaction(Protocol):
    async def first_time(self, consumer: str, message_id: str) -> bool:
        """Whether the consumer sees the message for the first time."""
        ...

    async def add_source(self, source: Source) -> None: ...
    async def source(self, tenant_id: str, asset_id: str) -> Source | None: ...
    async def delete_source(self, tenant_id: str, asset_id: str) -> None:
        """Also one that was not added yet: it will be deleted when it is."""
        ...

    async def add_job(self, job: Job, request_id: str) -> Job:
        """Stores and gives `job`, or gives the one that the tenant made with the same `request_id`; says nothing."""
        ...

    async def job(self, job_id: str, *, lock: bool = False) -> Job | None: ...
    async def page(
        self, tenant_id: str, *, state: JobState | None, asset_id: str, before: str | None, limit: int
    ) -> Sequence[Job]: ...
    async def live_jobs(self, asset_id: str) -> Sequence[Job]:
        """Those of the asset that are not over, locked."""
        ...

    async def save_job(self, job: Job) -> None: ...
    async def say(self, job: Job, fact: str) -> None:
        """Tell the world: queued, started, probed, progressed, playable, succeeded, failed or cancelled."""
        ...

    async def say_task_succeeded(self, task: Task) -> None: ...

    async def add_tasks(self, tasks: Sequence[Task]) -> None:
        """Stores them and puts each in the work queue."""
        ...

    async def task(self, task_id: str) -> Task | None:
        """Locked, its job not: whoever changes both takes them by `task_of_job`."""
        ...

    async def task_of_job(self, task_id: str) -> tuple[Task, Job] | None:
        """Both locked, the job first, so that no two callers wait for each other."""
        ...

    async def save_task(self, task: Task) -> None: ...
    async def enqueue(self, task: Task, now: datetime) -> None:
        """Put it in the work queue again."""
        ...

    async def seen(self, task: Task, now: datetime) -> None:
        """Its message was in the queue."""
        ...

    async def cancel_tasks(self, job_id: str) -> None:
        """All of the job's that are not over."""
        ...

    async def running_weight(self, job_id: str) -> float:
        """Weight done so far in the tasks of the job that run."""
        ...

    async def expired(self, now: datetime, limit: int) -> Sequence[Task]:
        """Running tasks past their lease, locked; those that somebody else holds are left out."""
        ...

    async def waiting(self, before: datetime, limit: int) -> Sequence[Task]:
        """Queued tasks last seen in the queue before then, oldest first, locked likewise."""
        ...

    async def live_tasks(self, limit: int) -> int:
        """How many tasks are not over, counted no further than `limit`."""
        ...

    async def unpublished(self, before: datetime, limit: int) -> Sequence[Job]:
        """Encoded jobs that wait for their playlists since before then."""
        ...

    async def add_renditions(self, renditions: Sequence[Rendition]) -> None: ...
    async def renditions(self, job_id: str) -> Sequence[Rendition]: ...
    async def save_rendition(self, rendition: Rendition) -> None: ...
    async def add_segments(self, job_id: str, segments: Sequence[Segment]) -> None: ...
    async def segments(self, job_id: str) -> Sequence[Segment]: ...
    async def lock_playlists(self, job_id: str) -> None:
        """One writer of a job's playlists at a time, until the transaction ends."""
        ...


class Store(Protocol):
    def transaction(self) -> AbstractAsyncContextManager[Transaction]: ...


class Playlists(Protocol):
    async def write(self, key: str, text: str, *, final: bool) -> None: ...


class Queue(Protocol):
    async def size(self) -> int:
        """Messages in the work queue, those under way included. Raises Unavailable."""
        ...

    async def has(self, task: Task) -> bool:
        """Whether the work queue holds the task's message. Raises Unavailable."""
        ...

    async def born(self) -> datetime:
        """When the work queue was made: messages sent before are not in it. Raises Unavailable."""
        ...
