"""Fake of the transcode scheduler's store."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, fields, replace
from typing import TYPE_CHECKING

from services.transcode.scheduler.domain import JOB_LOST, JobState
from services.transcode.scheduler.ports import Beat
from services.transcode.scheduler.source import Source
from services.transcode.scheduler.task import OPTIONAL, TaskState
from tests.fakes.transcode_analyses import FakeAnalyses
from tests.fakes.transcode_attempts import FakeAttempts
from tests.fakes.transcode_presets import FakePresets
from tests.fakes.transcode_quotas import FakeQuotas
from tests.fakes.transcode_results import FakeResults

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence
    from contextlib import AbstractAsyncContextManager
    from datetime import datetime
    from typing import Any

    from services.transcode.scheduler.domain import Job
    from services.transcode.scheduler.ports import Sign
    from services.transcode.scheduler.rendition import Segment
    from services.transcode.scheduler.task import Task


@dataclass
class FakeStore(FakeQuotas, FakeResults, FakeAttempts, FakePresets, FakeAnalyses):
    """One transaction at a time, undone when it fails."""

    sources: dict[str, Source] = field(default_factory=dict)
    request_ids: dict[tuple[str, str], str] = field(default_factory=dict)
    tasks: dict[str, Task] = field(default_factory=dict)
    messages: set[tuple[str, str]] = field(default_factory=set)
    said: list[tuple[str, Job]] = field(default_factory=list)
    """Facts about jobs that went out as events, in order."""
    grown: list[str] = field(default_factory=list)
    """Jobs that were said to have more to show, in order."""
    enqueued: list[str] = field(default_factory=list)
    """Subjects put in the work queue, in order."""
    spent: dict[str, float] = field(default_factory=dict)
    """What each tenant has had of the workers."""

    def __post_init__(self) -> None:
        self._one_at_a_time = asyncio.Lock()

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[FakeStore]:
        async with self._one_at_a_time:
            before = {each.name: getattr(self, each.name).copy() for each in fields(self)}
            try:
                yield self
            except BaseException:
                for name, value in before.items():
                    setattr(self, name, value)
                raise

    def signals(self) -> AbstractAsyncContextManager[FakeStore]:
        return self.transaction()

    def at_once(self) -> AbstractAsyncContextManager[FakeStore]:
        return self.transaction()

    async def first_time(self, consumer: str, message_id: str) -> bool:
        first = (consumer, message_id) not in self.messages
        self.messages.add((consumer, message_id))
        return first

    async def add_source(self, source: Source) -> Source:
        return self.sources.setdefault(source.asset_id, source)

    async def source(self, tenant_id: str, asset_id: str, *, lock: bool = False) -> Source | None:
        source = self.sources.get(asset_id)
        return source if source and source.tenant_id == tenant_id else None

    async def delete_source(self, tenant_id: str, asset_id: str) -> None:
        gone = Source(asset_id=asset_id, tenant_id=tenant_id, object_key="", size=0, file_name="")
        self.sources[asset_id] = replace(self.sources.get(asset_id, gone), deleted=True)

    async def known_facts(self, tenant_id: str, asset_id: str) -> Mapping[str, Any] | None:
        mine = (job for job in self.jobs.values() if (job.tenant_id, job.asset_id) == (tenant_id, asset_id))
        newest = max((job for job in mine if job.facts), key=lambda job: job.id, default=None)
        return newest.facts if newest else None

    async def restore_source(self, source: Source) -> None:
        self.sources[source.asset_id] = replace(self.sources.get(source.asset_id, source), deleted=False)

    async def purge(self, tenant_id: str, asset_id: str) -> None:
        if await self.source(tenant_id, asset_id):
            del self.sources[asset_id]
        gone = {job.id for job in self.jobs.values() if (job.tenant_id, job.asset_id) == (tenant_id, asset_id)}
        self.jobs = {each: job for each, job in self.jobs.items() if each not in gone}
        self.tasks = {each: task for each, task in self.tasks.items() if task.job_id not in gone}
        self.rungs = {key: rung for key, rung in self.rungs.items() if key[0] not in gone}
        self.landed = {key: segment for key, segment in self.landed.items() if key[0] not in gone}
        self.filed = {key: file for key, file in self.filed.items() if key[0] not in gone}
        self.found = {key: part for key, part in self.found.items() if key[0] not in gone}

    async def add_job(self, job: Job, request_id: str) -> Job:
        key = (job.tenant_id, request_id)
        if request_id and key in self.request_ids:
            return self.jobs[self.request_ids[key]]
        self.request_ids[key] = job.id
        self.jobs[job.id] = job
        return job

    async def twin(self, source: Source, making: str, request_id: str) -> Job | None:
        if request_id and (source.tenant_id, request_id) in self.request_ids:
            return None
        mine = [
            job for job in self.jobs.values() if (job.tenant_id, job.asset_id) == (source.tenant_id, source.asset_id)
        ]
        twins = [job for job in mine if job.making == making and job.state not in JOB_LOST]
        return max(twins, key=lambda job: job.id, default=None)

    async def same_job(self, job: Job) -> Job | None:
        def same(other: Job) -> bool:
            what = (other.tenant_id, other.source_sha256, other.making) == (
                job.tenant_id,
                job.source_sha256,
                job.making,
            )
            does = other.state not in JOB_LOST and other.same_as is None
            return other.id != job.id and what and does and bool(job.source_sha256 and job.making)

        return min(
            filter(same, self.jobs.values()), key=lambda it: (it.state is not JobState.SUCCEEDED, it.id), default=None
        )

    async def waiting_jobs(self, limit: int) -> Sequence[Job]:
        waiting = [job for job in self.jobs.values() if job.same_as and job.state is JobState.RUNNING]
        return sorted(waiting, key=lambda job: job.id)[:limit]

    async def job(self, job_id: str, *, lock: bool = False) -> Job | None:
        return self.jobs.get(job_id)

    async def page(
        self, tenant_id: str, *, state: JobState | None, asset_id: str, before: str | None, limit: int
    ) -> Sequence[Job]:
        wanted = [
            job
            for job in self.jobs.values()
            if job.tenant_id == tenant_id
            and state in {None, job.state}
            and asset_id in {"", job.asset_id}
            and (before is None or job.id < before)
        ]
        return sorted(wanted, key=lambda job: job.id, reverse=True)[:limit]

    async def live_jobs(self, asset_id: str) -> Sequence[Job]:
        return [job for job in self.jobs.values() if job.asset_id == asset_id and not job.over]

    async def save_job(self, job: Job) -> None:
        self.jobs[job.id] = job
        if job.over:
            await self.settle(job)

    async def say(self, job: Job, fact: str) -> None:
        self.said.append((fact, job))

    async def say_grown(self, job: Job) -> None:
        self.grown.append(job.id)

    async def add_tasks(self, tasks: Sequence[Task]) -> None:
        self._wait(tasks[0].tenant_id)
        for task in tasks:
            self.tasks[task.id] = task
            if task.state is TaskState.QUEUED:
                self.enqueued.append(task.subject)

    async def release_held(self, job_id: str, now: datetime) -> None:
        for task in [each for each in self.tasks.values() if each.job_id == job_id and each.state is TaskState.HELD]:
            self._wait(task.tenant_id)
            self.tasks[task.id] = replace(task, state=TaskState.QUEUED, queue_time=now)
            self.enqueued.append(task.subject)

    async def turn(self, now: datetime) -> tuple[Task, Job] | None:
        claimable = (task for task in self._queued() if task.not_before is None or task.not_before <= now)
        task = min(claimable, key=lambda each: (self.spent[each.tenant_id], each.due_time, each.id), default=None)
        return (task, self.jobs[task.job_id]) if task else None

    async def claim(self, workers: Sequence[str], lease_end: datetime, now: datetime) -> Sequence[tuple[Task, Job]]:
        given: list[tuple[Task, Job]] = []
        for worker_id in workers:
            turn = await self.turn(now)
            if turn is None or turn[1].state is JobState.QUEUED:
                break
            claimed = turn[0].claim(worker_id, lease_end - now, now)
            await self.take(claimed)
            given.append((claimed, turn[1]))
        return given

    async def take(self, claimed: Task) -> bool:
        if self.tasks[claimed.id].state is not TaskState.QUEUED:
            return False
        self.tasks[claimed.id] = claimed
        self.spent[claimed.tenant_id] += claimed.weight
        return True

    async def held_by(self, worker_id: str) -> tuple[Task, Job] | None:
        running = (task for task in self.tasks.values() if task.state is TaskState.RUNNING)
        held = next((task for task in running if task.worker_id == worker_id), None)
        return (held, self.jobs[held.job_id]) if held else None

    async def next_backoff(self) -> datetime | None:
        return min((task.not_before for task in self._queued() if task.not_before), default=None)

    async def task(self, task_id: str) -> Task | None:
        return self.tasks.get(task_id)

    async def task_of_job(self, task_id: str) -> tuple[Task, Job] | None:
        task = self.tasks.get(task_id)
        return (task, self.jobs[task.job_id]) if task else None

    async def tasks_of_jobs(self, task_ids: Sequence[str]) -> Sequence[tuple[Task, Job]]:
        found = [await self.task_of_job(each) for each in task_ids]
        return [both for both in found if both]

    async def save_task(self, task: Task) -> None:
        if task.state is TaskState.QUEUED:
            self._wait(task.tenant_id)
            self.spent[task.tenant_id] -= task.weight
        self.tasks[task.id] = task

    async def beat(self, signs: Sequence[Sign], lease_end: datetime) -> Mapping[tuple[str, int], Beat]:
        met: dict[tuple[str, int], Beat] = {}
        for sign in signs:
            task = self.tasks.get(sign.task_id)
            if task is None or task.epoch != sign.epoch or task.state is not TaskState.RUNNING:
                continue
            progress = max(task.progress, sign.progress)
            self.tasks[task.id] = replace(task, progress=progress, lease_expire_time=lease_end)
            told_time = self.jobs[task.job_id].progress_time
            met[task.id, task.epoch] = Beat(job_id=task.job_id, kind=task.kind, told_time=told_time)
        return met

    async def enqueue(self, tasks: Sequence[Task], now: datetime) -> None:
        for task in tasks:
            self.enqueued.append(task.subject)
            self.tasks[task.id] = replace(self.tasks[task.id], queue_time=now)

    async def cancel_tasks(self, job_id: str) -> None:
        live = {TaskState.QUEUED, TaskState.RUNNING}
        for task in [each for each in self.tasks.values() if each.job_id == job_id and each.state in live]:
            await self.save_task(replace(task, state=TaskState.CANCELLED, lease_expire_time=None))

    async def retry_tasks(self, job: Job, now: datetime) -> None:
        def undone(task: Task) -> bool:
            lost = task.state is TaskState.FAILED and task.kind not in OPTIONAL
            return lost or task.state is TaskState.CANCELLED or not job.planned

        tasks = [each for each in self.tasks.values() if each.job_id == job.id and undone(each)]
        if tasks:
            self._wait(job.tenant_id)
        for task in tasks:
            again = replace(task, state=TaskState.QUEUED, attempts=0, progress=0.0, not_before=None, queue_time=now)
            self.tasks[task.id] = replace(again, error_code="", error_message="")
            self.enqueued.append(task.subject)

    async def lost(self, before: datetime, limit: int) -> Sequence[Job]:
        lost = (job for job in self.jobs.values() if job.state in JOB_LOST and not job.collected)
        ended = [job for job in lost if job.end_time and job.end_time < before]
        return sorted(ended, key=lambda job: job.end_time or before)[:limit]

    async def running_weight(self, job_id: str) -> float:
        running = [each for each in self.tasks.values() if each.job_id == job_id and each.state is TaskState.RUNNING]
        return sum(each.weight * each.progress for each in running)

    async def expired(self, now: datetime, limit: int) -> Sequence[Task]:
        running = (each for each in self.tasks.values() if each.state is TaskState.RUNNING)
        return [each for each in running if each.lease_expire_time and each.lease_expire_time < now][:limit]

    async def waiting(self, before: datetime, limit: int) -> Sequence[Task]:
        queued = [each for each in self.tasks.values() if each.state is TaskState.QUEUED and each.queue_time < before]
        return sorted(queued, key=lambda each: each.queue_time)[:limit]

    async def unpublished(self, before: datetime, limit: int) -> Sequence[Job]:
        running = (job for job in self.jobs.values() if job.state is JobState.RUNNING)
        done = (job for job in running if job.tasks_done == job.tasks_total or (job.presentable and not job.ready_time))
        return [job for job in done if job.encode_time and job.encode_time < before][:limit]

    async def land(self, tasks: Sequence[Task], job: Job, segments: Sequence[Segment]) -> None:
        for task in tasks:
            await self.save_task(task)
        await self.save_job(job)
        await self.add_segments(job.id, segments)

    def _queued(self) -> list[Task]:
        return [task for task in self.tasks.values() if task.state is TaskState.QUEUED]

    def _wait(self, tenant_id: str) -> None:
        waiting = {task.tenant_id for task in self._queued()}
        if tenant_id not in waiting:
            now = min((self.spent[each] for each in waiting), default=max(self.spent.values(), default=0.0))
            self.spent[tenant_id] = max(self.spent.get(tenant_id, now), now)
