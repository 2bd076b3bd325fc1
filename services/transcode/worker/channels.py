"""The scheduler over gRPC, and the work queue over JetStream."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reelmesh.transcode.v1 import worker_pb2

from meshkit.errors import Unavailable
from meshkit.grpc.status import answered
from meshkit.instruments import MESSAGES_REDELIVERED
from meshkit.nats import Pull
from meshkit.topology import WORKERS
from services.transcode.worker import wire
from services.transcode.worker.domain import Parts

if TYPE_CHECKING:
    from nats.aio.msg import Msg
    from reelmesh.transcode.v1 import worker_pb2_grpc

    from meshkit.nats import Bus
    from services.transcode.worker.domain import Refused, StoredTrack, Task
    from services.transcode.worker.notes import Notes
    from services.transcode.worker.ports import Result

TIMEOUT = 5.0
COMPLETE_TIMEOUT = 20.0
_COMPLETE_AGAIN = 0.5
_LONGEST_IDLE = 1.0
"""Seconds of one pull: one that a restarting server forgot is asked anew this soon."""


class GrpcScheduler:
    def __init__(self, stub: worker_pb2_grpc.WorkerServiceAsyncStub, worker_id: str) -> None:
        self._stub = stub
        self._worker_id = worker_id
        self._unanswered = False

    async def claim(self) -> Task | Refused:
        request = worker_pb2.ClaimTaskRequest(worker_id=self._worker_id, again=self._unanswered)
        self._unanswered = True
        answer = await answered(self._stub.ClaimTask(request, timeout=TIMEOUT))
        self._unanswered = False
        return wire.from_claim(answer)

    async def beat(self, task: Task, progress: float) -> bool:
        request = worker_pb2.HeartbeatRequest(task_id=task.id, epoch=task.epoch, progress=progress)
        return not (await answered(self._stub.Heartbeat(request, timeout=TIMEOUT))).cancelled

    async def land(self, task: Task, track: StoredTrack) -> None:
        request = worker_pb2.LandSegmentsRequest(task_id=task.id, epoch=task.epoch, track=wire.to_track(track))
        await answered(self._stub.LandSegments(request, timeout=TIMEOUT))

    async def complete(self, task: Task, result: Result) -> None:
        await self._complete(wire.to_completion(task, result))

    async def complete_and_claim(self, task: Task, result: Result) -> Task | Refused:
        request = wire.to_completion(task, result)
        request.next.worker_id = self._worker_id
        self._unanswered = True
        answer = await self._complete(request)
        self._unanswered = False
        return wire.from_claim(answer.next)

    async def parts(self, task: Task, rendition: str, start: int, count: int = 0) -> Parts:
        request = worker_pb2.ListSegmentsRequest(
            task_id=task.id, epoch=task.epoch, rendition=rendition, start=start, count=count
        )
        answer = await answered(self._stub.ListSegments(request, timeout=COMPLETE_TIMEOUT))
        return Parts(init_key=answer.init_key, codecs=answer.codec, keys=tuple(answer.keys))

    async def fail(self, task: Task, reason: str, message: str, *, retryable: bool) -> None:
        request = worker_pb2.FailTaskRequest(
            task_id=task.id, epoch=task.epoch, reason=reason, message=message, retryable=retryable
        )
        await answered(self._stub.FailTask(request, timeout=TIMEOUT))

    async def note(self, task: Task, outcome: str, error_code: str, notes: Notes) -> None:
        request = worker_pb2.NoteAttemptRequest(
            task_id=task.id,
            epoch=task.epoch,
            outcome=outcome,
            error_code=error_code,
            command=notes.command,
            log=notes.log,
        )
        await answered(self._stub.NoteAttempt(request, timeout=TIMEOUT))

    async def release(self, task: Task) -> None:
        request = worker_pb2.ReleaseTaskRequest(task_id=task.id, epoch=task.epoch)
        await answered(self._stub.ReleaseTask(request, timeout=TIMEOUT))

    async def _complete(self, request: worker_pb2.CompleteTaskRequest) -> worker_pb2.CompleteTaskResponse:
        """Until it is heard: a scheduler that restarts is no reason to do the work again. A stale epoch ends it."""
        while True:
            try:
                return await answered(self._stub.CompleteTask(request, timeout=COMPLETE_TIMEOUT))
            except Unavailable:
                await asyncio.sleep(_COMPLETE_AGAIN)


class JetStreamQueue:
    def __init__(self, bus: Bus) -> None:
        self._pull = Pull(bus, WORKERS)
        MESSAGES_REDELIVERED.add(0, consumer=WORKERS.name)

    async def next(self, *, wait: bool = True) -> JetStreamTicket | None:
        message = await self._pull.next(_LONGEST_IDLE if wait else 0.0)
        if message and (message.metadata.num_delivered or 1) > 1:
            MESSAGES_REDELIVERED.add(consumer=WORKERS.name)
        return JetStreamTicket(message) if message else None


@dataclass(frozen=True, slots=True)
class JetStreamTicket:
    message: Msg

    async def keep(self) -> None:
        await self.message.in_progress()

    async def done(self) -> None:
        await self.message.ack()

    async def back(self, delay: float) -> None:
        await self.message.nak(delay=delay or None)
