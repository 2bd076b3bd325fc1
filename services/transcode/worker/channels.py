"""The scheduler over gRPC, and the work queue over JetStream."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from grpc.aio import AioRpcError
from reelmesh.transcode.v1 import worker_pb2

from meshkit import telemetry
from meshkit.errors import Unavailable
from meshkit.grpc.status import from_rpc_error
from meshkit.nats import Pull
from meshkit.topology import TASK_STORED, TASKS, task_durable
from services.transcode.worker import wire
from services.transcode.worker.domain import Refused

if TYPE_CHECKING:
    from collections.abc import Awaitable, Iterator
    from typing import TypeVar

    from nats.aio.msg import Msg
    from reelmesh.transcode.v1 import worker_pb2_grpc

    from meshkit.nats import Bus
    from services.transcode.media.facts import SourceFacts
    from services.transcode.worker.domain import StoredTrack, Task

    R = TypeVar("R")

TIMEOUT = 5.0
COMPLETE_TIMEOUT = 20.0
_COMPLETE_AGAIN = 0.5
_ORDER = (("probe", "first"), ("encode", "first"), ("encode", "normal"), ("encode", "bulk"))
"""Lowest latency first."""
_HINT_GOOD_FOR = 0.1
"""Seconds that a stored task is waited for."""
_LONGEST_IDLE = 1.0
"""Seconds after which the queue is asked without a hint: for what is redelivered, which nobody announces."""


class GrpcScheduler:
    def __init__(self, stub: worker_pb2_grpc.WorkerServiceAsyncStub, worker_id: str) -> None:
        self._stub = stub
        self._worker_id = worker_id

    async def claim(self, task_id: str) -> Task | Refused:
        request = worker_pb2.ClaimTaskRequest(task_id=task_id, worker_id=self._worker_id)
        answer = await _answered(self._stub.ClaimTask(request, timeout=TIMEOUT))
        if answer.HasField("task"):
            return wire.from_task(answer.task)
        return Refused(over=answer.unclaimable.over, retry_after=answer.unclaimable.retry_after)

    async def beat(self, task: Task, progress: float) -> bool:
        request = worker_pb2.HeartbeatRequest(task_id=task.id, epoch=task.epoch, progress=progress)
        return not (await _answered(self._stub.Heartbeat(request, timeout=TIMEOUT))).cancelled

    async def complete_probe(self, task: Task, facts: SourceFacts) -> None:
        result = wire.to_probe_result(facts)
        await self._complete(worker_pb2.CompleteTaskRequest(task_id=task.id, epoch=task.epoch, probe=result))

    async def complete_encode(self, task: Task, tracks: list[StoredTrack]) -> None:
        result = wire.to_encode_result(tracks)
        await self._complete(worker_pb2.CompleteTaskRequest(task_id=task.id, epoch=task.epoch, encode=result))

    async def fail(self, task: Task, reason: str, message: str, *, retryable: bool) -> None:
        request = worker_pb2.FailTaskRequest(
            task_id=task.id, epoch=task.epoch, reason=reason, message=message, retryable=retryable
        )
        await _answered(self._stub.FailTask(request, timeout=TIMEOUT))

    async def release(self, task: Task) -> None:
        request = worker_pb2.ReleaseTaskRequest(task_id=task.id, epoch=task.epoch)
        await _answered(self._stub.ReleaseTask(request, timeout=TIMEOUT))

    async def _complete(self, request: worker_pb2.CompleteTaskRequest) -> None:
        """Until it is heard: a scheduler that restarts is no reason to do the work again. A stale epoch ends it."""
        while True:
            try:
                await _answered(self._stub.CompleteTask(request, timeout=COMPLETE_TIMEOUT))
                return
            except Unavailable:
                await asyncio.sleep(_COMPLETE_AGAIN)


class JetStreamQueue:
    """Asks each durable in the order of urgency; between two rounds it waits for a hint that a task was stored."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._pulls = {each: Pull(bus, task_durable(*each)) for each in _ORDER}
        self._hints: asyncio.Queue[tuple[str, str]] = asyncio.Queue(maxsize=1)

    async def listen(self) -> None:
        """Hear what the work queue has stored, as every idle worker does."""

        async def hear(stored: Msg) -> None:
            _, _, kind, priority, _ = stored.subject.split(".")
            with suppress(asyncio.QueueFull):
                self._hints.put_nowait((kind, priority))

        await self._bus.client.subscribe(f"{TASK_STORED}.>", cb=hear)

    async def next(self) -> JetStreamTicket | None:
        for pull in self._pulls.values():
            if message := await pull.next(0):
                return JetStreamTicket(message)
        try:
            async with asyncio.timeout(_LONGEST_IDLE):
                hinted = await self._hints.get()
        except TimeoutError:
            return None
        # A moment may pass until what is stored can be pulled; another worker may be quicker.
        message = await self._pulls[hinted].next(_HINT_GOOD_FOR)
        return JetStreamTicket(message) if message else None


@dataclass(frozen=True, slots=True)
class JetStreamTicket:
    message: Msg

    @property
    def task_id(self) -> str:
        return self.message.data.decode()

    @contextmanager
    def traced(self) -> Iterator[None]:
        redelivered = (self.message.metadata.num_delivered or 1) > 1
        with telemetry.processing(TASKS, dict(self.message.headers or {}), redelivered=redelivered):
            yield

    async def keep(self) -> None:
        await self.message.in_progress()

    async def done(self) -> None:
        await self.message.ack()

    async def back(self, delay: float) -> None:
        await self.message.nak(delay=delay or None)


async def _answered(call: Awaitable[R]) -> R:
    try:
        return await call
    except AioRpcError as error:
        raise from_rpc_error(error) from error
