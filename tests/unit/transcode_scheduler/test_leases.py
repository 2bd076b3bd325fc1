"""Two workers, a clock and a reconciler in any order: one result for the task, and never none."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from meshkit.errors import Conflict
from services.transcode.scheduler.claiming import Claim
from services.transcode.scheduler.domain import JobState
from services.transcode.scheduler.task import TaskState
from tests.fakes.transcode_rows import results_of, some_facts
from tests.unit.transcode_media.builders import an_audio
from tests.unit.transcode_scheduler.scheduled import LEASE, Scheduler

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from services.transcode.scheduler.task import Task

WORKERS = st.sampled_from(["anna", "bert"])


class Leases(RuleBasedStateMachine):
    """One encode task. `claims` is what each worker believes to hold; `newest` is who was given the task last."""

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.scheduler = Scheduler()
        self.claims: dict[str, Task] = {}
        self.newest = ""

    def do(self, step: Coroutine[Any, Any, Any]) -> Any:
        return self.runner.run(step)

    def says(self, worker: str, step: Coroutine[Any, Any, Any]) -> None:
        """Whoever is not the newest is told so."""
        try:
            self.do(step)
            refusal = ""
        except Conflict as error:
            refusal = error.reason
        assert refusal == "stale_epoch" or (refusal == "" and worker == self.newest)

    @initialize()
    def begin(self) -> None:
        job = self.do(self.scheduler.upload())
        [self.audio] = self.do(self.scheduler.probe(job, some_facts(video=None, audio=an_audio())))
        self.job_id = job.id

    @property
    def job(self) -> Any:
        return self.scheduler.store.jobs[self.job_id]

    @property
    def task(self) -> Task:
        return self.scheduler.store.tasks[self.audio.id]

    @rule(worker=WORKERS)
    def claim(self, worker: str) -> None:
        before = self.task
        claim = self.do(self.scheduler.tasks.claim(worker))
        if isinstance(claim, Claim):
            assert claim.task.epoch == before.epoch + 1
            self.claims[worker], self.newest = claim.task, worker

    @precondition(lambda self: self.claims)
    @rule(worker=WORKERS, progress=st.floats(0, 1))
    def beat(self, worker: str, progress: float) -> None:
        if held := self.claims.get(worker):
            self.says(worker, self.scheduler.tasks.beat(held.id, held.epoch, progress))

    @precondition(lambda self: self.claims)
    @rule(worker=WORKERS)
    def complete(self, worker: str) -> None:
        if held := self.claims.get(worker):
            self.says(worker, self.scheduler.tasks.complete_encode(held.id, held.epoch, results_of(held)))

    @precondition(lambda self: self.claims)
    @rule(worker=WORKERS)
    def fail(self, worker: str) -> None:
        if held := self.claims.get(worker):
            words = self.scheduler.tasks.fail(held.id, held.epoch, "encode_failed", "", retryable=True)
            self.says(worker, words)

    @precondition(lambda self: self.claims)
    @rule(worker=WORKERS)
    def release(self, worker: str) -> None:
        if held := self.claims.get(worker):
            self.says(worker, self.scheduler.tasks.release(held.id, held.epoch))

    @rule(seconds=st.sampled_from([1, 10, LEASE.total_seconds(), 61]))
    def time_passes(self, seconds: float) -> None:
        self.scheduler.wait(seconds)

    @rule()
    def reconcile(self) -> None:
        self.do(self.scheduler.reconciler.run_once())

    @invariant()
    def one_result_at_most(self) -> None:
        store = self.scheduler.store
        assert self.job.tasks_done == len(store.grown) == (self.task.state is TaskState.SUCCEEDED)
        # The fake refuses a segment that lands twice; those that did are all of one claim.
        assert {segment.key.split("-")[-1] for segment in store.landed.values()} <= {f"{self.task.epoch}.m4s"}

    @invariant()
    def the_job_ends_only_with_its_task(self) -> None:
        ends = {TaskState.SUCCEEDED: {JobState.RUNNING, JobState.SUCCEEDED}, TaskState.FAILED: {JobState.FAILED}}
        assert self.job.state in ends.get(self.task.state, {JobState.RUNNING})

    def teardown(self) -> None:
        """Whatever happened, the next worker that asks gets it, unless it is done or was tried often enough."""
        try:
            if not self.task.over:
                self.scheduler.wait(61)
                self.do(self.scheduler.reconciler.run_once())
                assert self.audio.subject in self.scheduler.store.enqueued
                self.claim("anna")
                self.complete("anna")
            assert self.task.over
            if self.task.state is TaskState.SUCCEEDED:
                self.do(self.scheduler.publishing.publish(self.job_id))
                assert self.job.state is JobState.SUCCEEDED
        finally:
            self.runner.close()


TestLeases = Leases.TestCase
TestLeases.settings = settings(
    max_examples=20, stateful_step_count=20, deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow]
)
