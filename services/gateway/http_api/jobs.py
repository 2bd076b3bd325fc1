"""/v1/jobs: what becomes of an asset."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Response
from grpc.aio import AioRpcError
from reelmesh.transcode.v1 import transcode_pb2

from meshkit import public
from meshkit.grpc import status
from services.gateway import analysis, edits, job_wire, schemas, wire
from services.gateway.channels import TIMEOUT
from services.gateway.http_api.deps import (
    PAGE_SIZE,
    PROTECTED,
    PROTECTED_PROBLEMS,
    Mesh,
    PageSize,
    PageToken,
    RequestId,
    ResourceId,
    problems,
)
from services.gateway.job_bodies import JobRequest
from services.gateway.outputs import to_recipe
from services.gateway.problems import named

router = APIRouter(prefix="/v1", tags=["jobs"], dependencies=PROTECTED, responses=PROTECTED_PROBLEMS)


@router.post("/jobs", status_code=202, response_model=schemas.Job, responses=problems(404, 409, 413, 415))
async def create_job(body: JobRequest, mesh: Mesh, response: Response, request_id: RequestId = "") -> dict[str, Any]:
    """Queue a job for an asset."""
    await job_wire.check_callback(mesh.services, body.callback_url or "", "callback_url")
    request = transcode_pb2.CreateJobRequest(
        request_id=request_id,
        asset_id=body.asset_id,
        preset=body.preset or "",
        priority=body.priority,
        callback_url=body.callback_url or "",
        edits=edits.to_proto(body.edits),
        analysis=analysis.to_proto(body.analysis),
    )
    if body.outputs:
        request.recipe.CopyFrom(to_recipe(body.outputs))
    try:
        job = (await mesh.services.transcode.CreateJob(request, timeout=TIMEOUT)).job
    except AioRpcError as error:
        raise named(status.from_rpc_error(error), "recipe.", "") from error
    response.headers["Location"] = f"/v1/jobs/{job.id}"
    return public.job(job)


@router.get("/jobs", response_model=schemas.JobPage)
async def list_jobs(
    mesh: Mesh,
    state: schemas.JobState | None = None,
    asset_id: Annotated[UUID | None, Query(description="Only jobs of this asset.")] = None,
    page_size: PageSize = PAGE_SIZE,
    page_token: PageToken = "",
) -> dict[str, Any]:
    """Newest first."""
    request = transcode_pb2.ListJobsRequest(
        page_size=page_size, page_token=page_token, asset_id=str(asset_id) if asset_id else ""
    )
    if state:
        request.state = transcode_pb2.Job.State.Value(f"STATE_{state.upper()}")
    answer = await mesh.services.transcode.ListJobs(request, timeout=TIMEOUT)
    return wire.from_page([public.job(job) for job in answer.jobs], answer.next_page_token)


@router.get("/jobs/{job_id}", response_model=schemas.Job, responses=problems(404))
async def get_job(job_id: ResourceId, mesh: Mesh) -> dict[str, Any]:
    request = transcode_pb2.GetJobRequest(job_id=str(job_id))
    return public.job((await mesh.services.transcode.GetJob(request, timeout=TIMEOUT)).job)


@router.post("/jobs/{job_id}/cancel", response_model=schemas.Job, responses=problems(404, 409))
async def cancel_job(job_id: ResourceId, mesh: Mesh) -> dict[str, Any]:
    """Stop a job; what it has made so far is not shown."""
    request = transcode_pb2.CancelJobRequest(job_id=str(job_id))
    return public.job((await mesh.services.transcode.CancelJob(request, timeout=TIMEOUT)).job)


@router.post("/jobs/{job_id}/retry", status_code=202, response_model=schemas.Job, responses=problems(404, 409))
async def retry_job(job_id: ResourceId, mesh: Mesh, response: Response) -> dict[str, Any]:
    """Begin a failed or cancelled job again, within a day of its end; what is done of it is not done again."""
    request = transcode_pb2.RetryJobRequest(job_id=str(job_id))
    job = (await mesh.services.transcode.RetryJob(request, timeout=TIMEOUT)).job
    response.headers["Location"] = f"/v1/jobs/{job.id}"
    return public.job(job)


@router.get("/jobs/{job_id}/attempts", response_model=schemas.AttemptPage, responses=problems(404))
async def list_attempts(
    job_id: ResourceId, mesh: Mesh, page_size: PageSize = PAGE_SIZE, page_token: PageToken = ""
) -> dict[str, Any]:
    """What workers ran for the job, newest first, for two weeks; for owners, and the operator."""
    request = transcode_pb2.ListAttemptsRequest(job_id=str(job_id), page_size=page_size, page_token=page_token)
    answer = await mesh.services.transcode.ListAttempts(request, timeout=TIMEOUT)
    return wire.from_page([public.attempt(each) for each in answer.attempts], answer.next_page_token)
