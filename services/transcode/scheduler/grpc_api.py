"""TranscodeService over gRPC: what the public may do with jobs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reelmesh.transcode.v1 import transcode_pb2, transcode_pb2_grpc

from meshkit.auth import caller
from meshkit.grpc.server import ANY, service_scopes
from services.transcode.media.preset import Preset
from services.transcode.scheduler import preset_wire, wire, wish_wire

if TYPE_CHECKING:
    from services.transcode.scheduler.attempts import Attempts
    from services.transcode.scheduler.jobs import Jobs
    from services.transcode.scheduler.presets import Presets

OPERATES = "tenants:read"
"""Whoever may read the settings of every tenant may look into every job."""
SERVICE = transcode_pb2.DESCRIPTOR.services_by_name["TranscodeService"]
SCOPES = service_scopes(
    SERVICE,
    CreateJob="jobs:write",
    CheckJob="jobs:write",
    GetJob="jobs:read",
    ListJobs="jobs:read",
    CancelJob="jobs:write",
    RetryJob="jobs:write",
    ListAttempts="jobs:inspect",
    ListPresets=ANY,
    GetPreset=ANY,
    PutPreset="jobs:write",
    DeletePreset="jobs:write",
)


class TranscodeApi(transcode_pb2_grpc.TranscodeServiceServicer):
    def __init__(self, jobs: Jobs, presets: Presets, attempts: Attempts) -> None:
        self._jobs = jobs
        self._attempts = attempts
        self._presets = presets

    async def CreateJob(self, request: transcode_pb2.CreateJobRequest, context: Any) -> transcode_pb2.CreateJobResponse:
        job = await self._jobs.create(
            caller().tenant_id,
            request.asset_id,
            wish_wire.from_options(request.preset, request),
            request.request_id,
        )
        return transcode_pb2.CreateJobResponse(job=wire.to_job(job))

    async def CheckJob(self, request: transcode_pb2.CheckJobRequest, context: Any) -> transcode_pb2.CheckJobResponse:
        await self._jobs.check(caller().tenant_id, wish_wire.from_options(request.preset, request.job))
        return transcode_pb2.CheckJobResponse()

    async def GetJob(self, request: transcode_pb2.GetJobRequest, context: Any) -> transcode_pb2.GetJobResponse:
        job = await self._jobs.get(caller().tenant_id, request.job_id)
        return transcode_pb2.GetJobResponse(job=wire.to_job(job))

    async def ListJobs(self, request: transcode_pb2.ListJobsRequest, context: Any) -> transcode_pb2.ListJobsResponse:
        rows, token = await self._jobs.page(
            caller().tenant_id,
            state=wire.from_state(request.state),
            asset_id=request.asset_id,
            page_size=request.page_size,
            page_token=request.page_token,
        )
        return transcode_pb2.ListJobsResponse(jobs=map(wire.to_job, rows), next_page_token=token)

    async def CancelJob(self, request: transcode_pb2.CancelJobRequest, context: Any) -> transcode_pb2.CancelJobResponse:
        job = await self._jobs.cancel(caller().tenant_id, request.job_id)
        return transcode_pb2.CancelJobResponse(job=wire.to_job(job))

    async def RetryJob(self, request: transcode_pb2.RetryJobRequest, context: Any) -> transcode_pb2.RetryJobResponse:
        job = await self._jobs.retry(caller().tenant_id, request.job_id)
        return transcode_pb2.RetryJobResponse(job=wire.to_job(job))

    async def ListAttempts(
        self, request: transcode_pb2.ListAttemptsRequest, context: Any
    ) -> transcode_pb2.ListAttemptsResponse:
        someone = caller()
        tenant_id = None if OPERATES in someone.scopes else someone.tenant_id
        rows, token = await self._attempts.of_job(tenant_id, request.job_id, request.page_size, request.page_token)
        return transcode_pb2.ListAttemptsResponse(attempts=map(wire.to_attempt, rows), next_page_token=token)

    async def ListPresets(
        self, request: transcode_pb2.ListPresetsRequest, context: Any
    ) -> transcode_pb2.ListPresetsResponse:
        shipped, own = await self._presets.all(caller().tenant_id)
        told = [*map(preset_wire.to_shipped, shipped), *map(preset_wire.to_custom, own)]
        return transcode_pb2.ListPresetsResponse(presets=told)

    async def GetPreset(self, request: transcode_pb2.GetPresetRequest, context: Any) -> transcode_pb2.GetPresetResponse:
        found = await self._presets.get(caller().tenant_id, request.name)
        told = preset_wire.to_shipped(found) if isinstance(found, Preset) else preset_wire.to_custom(found)
        return transcode_pb2.GetPresetResponse(preset=told)

    async def PutPreset(self, request: transcode_pb2.PutPresetRequest, context: Any) -> transcode_pb2.PutPresetResponse:
        preset = preset_wire.from_preset(request.preset)
        put, created = await self._presets.put(caller().tenant_id, preset, request.etag)
        return transcode_pb2.PutPresetResponse(preset=preset_wire.to_custom(put), created=created)

    async def DeletePreset(
        self, request: transcode_pb2.DeletePresetRequest, context: Any
    ) -> transcode_pb2.DeletePresetResponse:
        await self._presets.delete(caller().tenant_id, request.name, request.etag)
        return transcode_pb2.DeletePresetResponse()
