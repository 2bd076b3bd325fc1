"""WorkerService over gRPC: what a worker says of the task that it holds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reelmesh.transcode.v1 import worker_pb2, worker_pb2_grpc

from meshkit.errors import InvalidArgument
from meshkit.grpc.server import service_scopes
from meshkit.grpc.times import timestamp
from services.transcode.scheduler import wire
from services.transcode.scheduler.claiming import NotNow

if TYPE_CHECKING:
    from services.transcode.scheduler.attempts import Attempts
    from services.transcode.scheduler.tasks import Tasks

SERVICE = worker_pb2.DESCRIPTOR.services_by_name["WorkerService"]
SCOPES = service_scopes(SERVICE, **{method.name: "tasks:work" for method in SERVICE.methods})


class WorkerApi(worker_pb2_grpc.WorkerServiceServicer):
    def __init__(self, tasks: Tasks, attempts: Attempts) -> None:
        self._tasks = tasks
        self._attempts = attempts

    async def ClaimTask(self, request: worker_pb2.ClaimTaskRequest, context: Any) -> worker_pb2.ClaimTaskResponse:
        claim = await self._tasks.claim(request.worker_id, again=request.again)
        if isinstance(claim, NotNow):
            refused = worker_pb2.Unclaimable(over=claim.over, retry_after=claim.retry_after)
            return worker_pb2.ClaimTaskResponse(unclaimable=refused)
        return worker_pb2.ClaimTaskResponse(task=wire.to_task(claim))

    async def Heartbeat(self, request: worker_pb2.HeartbeatRequest, context: Any) -> worker_pb2.HeartbeatResponse:
        lease_end = await self._tasks.beat(request.task_id, request.epoch, request.progress)
        return worker_pb2.HeartbeatResponse(lease_expire_time=timestamp(lease_end), cancelled=lease_end is None)

    async def CompleteTask(
        self, request: worker_pb2.CompleteTaskRequest, context: Any
    ) -> worker_pb2.CompleteTaskResponse:
        if request.HasField("probe"):
            await self._tasks.complete_probe(request.task_id, request.epoch, wire.from_struct(request.probe.facts))
        elif request.HasField("encode"):
            results = [wire.from_track(track) for track in request.encode.tracks]
            await self._tasks.complete_encode(request.task_id, request.epoch, results)
        elif request.HasField("files"):
            files = [wire.from_file(made) for made in request.files.files]
            await self._tasks.complete_files(request.task_id, request.epoch, files)
        elif request.HasField("analysis"):
            await self._tasks.complete_analysis(request.task_id, request.epoch, request.analysis.part_json)
        else:
            raise InvalidArgument("result_missing", "a completed task has a result")
        return worker_pb2.CompleteTaskResponse()

    async def ListSegments(
        self, request: worker_pb2.ListSegmentsRequest, context: Any
    ) -> worker_pb2.ListSegmentsResponse:
        wanted = request.rendition, request.start, request.count
        rendition, keys = await self._tasks.segments(request.task_id, request.epoch, *wanted)
        return worker_pb2.ListSegmentsResponse(init_key=rendition.init_key, codec=rendition.codec, keys=keys)

    async def FailTask(self, request: worker_pb2.FailTaskRequest, context: Any) -> worker_pb2.FailTaskResponse:
        await self._tasks.fail(
            request.task_id, request.epoch, request.reason, request.message, retryable=request.retryable
        )
        return worker_pb2.FailTaskResponse()

    async def NoteAttempt(self, request: worker_pb2.NoteAttemptRequest, context: Any) -> worker_pb2.NoteAttemptResponse:
        said = request.command, request.log
        await self._attempts.note(request.task_id, request.epoch, request.outcome, request.error_code, said)
        return worker_pb2.NoteAttemptResponse()

    async def ReleaseTask(self, request: worker_pb2.ReleaseTaskRequest, context: Any) -> worker_pb2.ReleaseTaskResponse:
        await self._tasks.release(request.task_id, request.epoch)
        return worker_pb2.ReleaseTaskResponse()
