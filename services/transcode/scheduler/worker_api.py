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
        return await self._claim(request.worker_id, again=request.again)

    async def Heartbeat(self, request: worker_pb2.HeartbeatRequest, context: Any) -> worker_pb2.HeartbeatResponse:
        lease_end = await self._tasks.beat(request.task_id, request.epoch, request.progress)
        return worker_pb2.HeartbeatResponse(lease_expire_time=timestamp(lease_end), cancelled=lease_end is None)

    async def CompleteTask(
        self, request: worker_pb2.CompleteTaskRequest, context: Any
    ) -> worker_pb2.CompleteTaskResponse:
        new = await self._complete(request)
        if not request.HasField("next"):
            return worker_pb2.CompleteTaskResponse()
        # Of a result that was here before the answer may be lost, and with it a claim.
        claimed = await self._claim(request.next.worker_id, again=request.next.again or not new)
        return worker_pb2.CompleteTaskResponse(next=claimed)

    async def _complete(self, request: worker_pb2.CompleteTaskRequest) -> bool:
        task_id, epoch = request.task_id, request.epoch
        if request.HasField("probe"):
            return await self._tasks.complete_probe(task_id, epoch, wire.from_struct(request.probe.facts))
        if request.HasField("encode"):
            results = [wire.from_track(track) for track in request.encode.tracks]
            return await self._tasks.complete_encode(task_id, epoch, results)
        if request.HasField("files"):
            files = [wire.from_file(made) for made in request.files.files]
            return await self._tasks.complete_files(task_id, epoch, files)
        if request.HasField("analysis"):
            return await self._tasks.complete_analysis(task_id, epoch, request.analysis.part_json)
        raise InvalidArgument("result_missing", "a completed task has a result")

    async def _claim(self, worker_id: str, *, again: bool) -> worker_pb2.ClaimTaskResponse:
        claim = await self._tasks.claim(worker_id, again=again)
        if isinstance(claim, NotNow):
            refused = worker_pb2.Unclaimable(over=claim.over, retry_after=claim.retry_after)
            return worker_pb2.ClaimTaskResponse(unclaimable=refused)
        return worker_pb2.ClaimTaskResponse(task=wire.to_task(claim))

    async def LandSegments(
        self, request: worker_pb2.LandSegmentsRequest, context: Any
    ) -> worker_pb2.LandSegmentsResponse:
        await self._tasks.land_segments(request.task_id, request.epoch, wire.from_track(request.track))
        return worker_pb2.LandSegmentsResponse()

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
