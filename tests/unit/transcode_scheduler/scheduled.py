"""The scheduler's use cases over fakes, on one clock, and the steps that bring a job somewhere."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta
from math import inf
from typing import TYPE_CHECKING

from meshkit.ids import new_id
from services.transcode.scheduler.claiming import Claim
from services.transcode.scheduler.collecting import Collecting
from services.transcode.scheduler.domain import Count
from services.transcode.scheduler.jobs import Jobs
from services.transcode.scheduler.presets import Presets
from services.transcode.scheduler.publishing import Publishing
from services.transcode.scheduler.reconciler import Reconciler
from services.transcode.scheduler.sharing import Sharing
from services.transcode.scheduler.task import ENCODES, MAX_ATTEMPTS, Task, TaskKind, TaskState
from services.transcode.scheduler.tasks import Tasks
from services.transcode.scheduler.wish import Wish
from tests.fakes.transcode import FakeStore
from tests.fakes.transcode_outputs import FakeOutputs
from tests.fakes.transcode_outside import LONG_AGO, FakePlaylists, FakeQueue
from tests.fakes.transcode_rows import Clock, a_source, results_of, some_facts
from tests.unit.transcode_media.builders import HLS

if TYPE_CHECKING:
    from typing import Any

    from services.transcode.scheduler.domain import Job
    from services.transcode.scheduler.file import File
    from services.transcode.scheduler.source import Source

LEASE = timedelta(seconds=30)
CONSUMER = "transcode-metadata-all"


@dataclass
class Scheduler:
    clock: Clock = field(default_factory=Clock)
    store: FakeStore = field(default_factory=FakeStore)
    playlists: FakePlaylists = field(default_factory=FakePlaylists)
    queue: FakeQueue = field(default_factory=FakeQueue)
    outputs: FakeOutputs = field(default_factory=FakeOutputs)

    def __post_init__(self) -> None:
        self.jobs = Jobs(self.store, Presets((HLS,), self.store, self.clock), self.clock)
        self.tasks = Tasks(self.store, LEASE, self.clock)
        self.collecting = Collecting(self.store, self.outputs, self.clock)
        self.sharing = Sharing(self.store, self.outputs, self.clock)
        self.publishing = Publishing(self.store, self.playlists, self.collecting, self.clock)
        self.reconciler = Reconciler(self.store, self.queue, self.tasks, self.publishing, self.clock)

    def wait(self, seconds: float) -> None:
        self.clock.now += timedelta(seconds=seconds)

    def job(self, job: Job) -> Job:
        return self.store.jobs[job.id]

    def task(self, task: Task) -> Task:
        return self.store.tasks[task.id]

    def queued(self) -> list[Task]:
        """The tasks in the order in which they were put in the work queue."""
        return [self.store.tasks[subject.rsplit(".", 1)[-1]] for subject in self.store.enqueued]

    def facts(self) -> list[str]:
        return [fact for fact, _ in self.store.said]

    async def upload(self, preset: str = "", source: Source | None = None) -> Job:
        """A file came in; its job."""
        source = source or a_source()
        await self.jobs.on_uploaded(source, new_id(), Wish(preset=preset), CONSUMER, new_id())
        return next(job for job in self.store.jobs.values() if job.asset_id == source.asset_id)

    async def claim(self, task: Task) -> Task:
        """Held by a worker, as if its turn had come; gives the task as it was claimed."""
        now = self.task(task)
        self.store.tasks[task.id] = replace(now, due_time=LONG_AGO)
        self.store.spent[task.tenant_id] = -inf
        claim = await self.tasks.claim("worker")
        assert isinstance(claim, Claim)
        assert claim.task.id == task.id
        return claim.task

    async def probe(self, job: Job, facts: dict[str, Any] | None = None) -> list[Task]:
        """The job's probe is done, and so is what encodes nothing; the tasks that encode, in the order of the queue."""
        [probe] = [task for task in self.queued() if task.job_id == job.id]
        held = await self.claim(probe)
        await self.tasks.complete_probe(held.id, held.epoch, facts or some_facts())
        follow = [task for task in self.queued() if task.job_id == job.id and task.id != probe.id]
        for task in follow:
            if task.kind not in ENCODES:
                await self.make(task)
        self.store.grown.clear()
        return [task for task in follow if task.kind in ENCODES]

    async def uploaded_and_probed(self) -> tuple[Job, list[Task]]:
        job = await self.upload()
        tasks = await self.probe(job)
        return self.job(job), tasks

    async def besides(self, job: Job, kind: TaskKind, *, held: bool = False, spec: Any = None) -> Task:
        """One more task of the job, of a kind that encodes nothing."""
        state = TaskState.HELD if held else TaskState.QUEUED
        values: dict[str, Any] = {
            "id": new_id(),
            "job_id": job.id,
            "tenant_id": job.tenant_id,
            "index": 0,
            "weight": 1.0,
        }
        task = Task(kind=kind, state=state, due_time=self.clock(), queue_time=self.clock(), spec=spec or {}, **values)
        await self.store.add_tasks([task])
        job = self.job(job)
        count = job.beside.get(kind, Count(total=0))
        beside = {**job.beside, str(kind): replace(count, total=count.total + 1)}
        self.store.jobs[job.id] = replace(job, tasks_total=job.tasks_total + 1, beside=beside)
        return task

    async def make(self, task: Task, *files: File) -> Task:
        """A worker takes the task, and these come of it."""
        held = await self.claim(task)
        await self.tasks.complete_files(held.id, held.epoch, files)
        return held

    async def encode(self, task: Task, *, init: str = "init") -> Task:
        """A worker takes the task and does it."""
        held = await self.claim(task)
        await self.tasks.complete_encode(held.id, held.epoch, results_of(held, init=init))
        return held

    async def lose(self, held: Task) -> None:
        """Its worker dies, and the reconciler finds out."""
        self.wait(LEASE.total_seconds() + 1)
        await self.reconciler.run_once()

    async def wear_out(self, task: Task, code: str = "encode_failed") -> None:
        """Every attempt at the task fails."""
        for _ in range(MAX_ATTEMPTS):
            held = await self.claim(task)
            await self.tasks.fail(held.id, held.epoch, code, "the disk is full", retryable=True)
            self.wait(61)
