"""The transcode scheduler behind the gateway, in memory."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from reelmesh.transcode.v1 import transcode_pb2, transcode_pb2_grpc

from meshkit.auth import caller
from meshkit.errors import Conflict, NotFound
from meshkit.ids import new_id
from tests.fakes.gateway_first_jobs import FirstJobs
from tests.fakes.gateway_presets import FakePresets


@dataclass
class FakeTranscode(FakePresets, FirstJobs, transcode_pb2_grpc.TranscodeServiceServicer):
    rows: dict[str, transcode_pb2.Job] = field(default_factory=dict)
    requests: list[Any] = field(default_factory=list)

    async def CreateJob(self, request: Any, context: Any) -> transcode_pb2.CreateJobResponse:
        self.requests.append(request)
        job = transcode_pb2.Job(
            id=new_id(),
            tenant_id=caller().tenant_id,
            asset_id=request.asset_id,
            state=transcode_pb2.Job.STATE_QUEUED,
            priority=request.priority,
            preset=request.preset,
            edits=request.edits if request.HasField("edits") else None,
            analysis=request.analysis if request.HasField("analysis") else None,
            stages=[transcode_pb2.Stage(name="probe", state=transcode_pb2.Stage.STATE_PENDING, tasks_total=1)],
        )
        job.create_time.GetCurrentTime()
        self.rows[job.id] = job
        return transcode_pb2.CreateJobResponse(job=job)

    async def GetJob(self, request: Any, context: Any) -> transcode_pb2.GetJobResponse:
        if self.at_once and request.job_id not in self.rows:
            self.rows[request.job_id] = self._brought_about(request.job_id)
        return transcode_pb2.GetJobResponse(job=self._mine(request.job_id))

    async def ListJobs(self, request: Any, context: Any) -> transcode_pb2.ListJobsResponse:
        self.requests.append(request)
        mine = [row for row in self.rows.values() if row.tenant_id == caller().tenant_id]
        return transcode_pb2.ListJobsResponse(jobs=mine)

    async def CancelJob(self, request: Any, context: Any) -> transcode_pb2.CancelJobResponse:
        job = self._mine(request.job_id)
        if job.state == transcode_pb2.Job.STATE_CANCELLED:
            raise Conflict("job_cancelled", "the job is over")
        job.state = transcode_pb2.Job.STATE_CANCELLED
        return transcode_pb2.CancelJobResponse(job=job)

    async def RetryJob(self, request: Any, context: Any) -> transcode_pb2.RetryJobResponse:
        job = self._mine(request.job_id)
        if job.state != transcode_pb2.Job.STATE_FAILED:
            raise Conflict("job_running", "the job is running")
        job.state = transcode_pb2.Job.STATE_QUEUED
        return transcode_pb2.RetryJobResponse(job=job)

    async def ListAttempts(self, request: Any, context: Any) -> transcode_pb2.ListAttemptsResponse:
        job = self._mine(request.job_id)
        made = transcode_pb2.Attempt(id=new_id(), task_id=job.id, kind="probe", epoch=1, outcome="failed", log="no")
        return transcode_pb2.ListAttemptsResponse(attempts=[made])

    def _mine(self, job_id: str) -> transcode_pb2.Job:
        job = self.rows.get(job_id)
        if job is None or job.tenant_id != caller().tenant_id:
            raise NotFound("job_not_found", "no such job")
        return job
