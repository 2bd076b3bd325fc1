"""A worker's next claim rides on the completion of the one before."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from reelmesh.transcode.v1 import worker_pb2

from meshkit.errors import Conflict
from services.transcode.scheduler.attempts import Attempts
from services.transcode.scheduler.task import TaskState
from services.transcode.scheduler.worker_api import WorkerApi

if TYPE_CHECKING:
    from services.transcode.scheduler.task import Task
    from tests.unit.transcode_scheduler.scheduled import Scheduler

WORKER = "worker"


def completion(held: Task) -> worker_pb2.CompleteTaskRequest:
    return worker_pb2.CompleteTaskRequest(
        task_id=held.id,
        epoch=held.epoch,
        encode=worker_pb2.EncodeResult(),
        next=worker_pb2.ClaimTaskRequest(worker_id=WORKER),
    )


@pytest.fixture
def api(scheduler: Scheduler) -> WorkerApi:
    return WorkerApi(scheduler.tasks, Attempts(scheduler.store))


async def test_it_is_made_once_the_result_has_landed(scheduler: Scheduler, api: WorkerApi) -> None:
    _, tasks = await scheduler.uploaded_and_probed()
    held = await scheduler.claim(tasks[0])
    answer = await api.CompleteTask(completion(held), None)
    assert scheduler.task(held).state is TaskState.SUCCEEDED
    given = scheduler.store.tasks[answer.next.task.id]
    assert (given.state, given.worker_id, given.epoch) == (TaskState.RUNNING, WORKER, answer.next.task.epoch)


async def test_said_again_it_brings_the_same(scheduler: Scheduler, api: WorkerApi) -> None:
    _, tasks = await scheduler.uploaded_and_probed()
    held = await scheduler.claim(tasks[0])
    first = await api.CompleteTask(completion(held), None)
    scheduler.wait(5)
    again = await api.CompleteTask(completion(held), None)
    assert (again.next.task.id, again.next.task.epoch) == (first.next.task.id, first.next.task.epoch)
    assert [each.worker_id for each in scheduler.store.tasks.values() if each.state is TaskState.RUNNING] == [WORKER]


async def test_with_a_lost_lease_nothing_is_claimed(scheduler: Scheduler, api: WorkerApi) -> None:
    _, tasks = await scheduler.uploaded_and_probed()
    held = await scheduler.claim(tasks[0])
    await scheduler.lose(held)
    with pytest.raises(Conflict, match="stale_epoch"):
        await api.CompleteTask(completion(held), None)
    assert not [each for each in scheduler.store.tasks.values() if each.state is TaskState.RUNNING]


async def test_where_nothing_is_queued_it_says_so(scheduler: Scheduler, api: WorkerApi) -> None:
    _, tasks = await scheduler.uploaded_and_probed()
    *others, last = tasks
    for task in others:
        await scheduler.encode(task)
    held = await scheduler.claim(last)
    assert (await api.CompleteTask(completion(held), None)).next.unclaimable.over
