"""Who may ask what of the scheduler, and what it answers."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from grpc.aio import AioRpcError
from reelmesh.transcode.v1 import transcode_pb2, worker_pb2, worker_pb2_grpc

from meshkit.grpc import status
from meshkit.ids import new_id
from tests.serving import called

if TYPE_CHECKING:
    from collections.abc import Awaitable
    from pathlib import Path

    from tests.integration.transcode.studio import Studio

pytestmark = pytest.mark.usefixtures("address")
TIMEOUT = 10.0


async def refusal(call: Awaitable[object]) -> tuple[str, int]:
    """The reason and the HTTP status of a call that must fail."""
    with pytest.raises(AioRpcError) as caught:
        await call
    error = status.from_rpc_error(caught.value)
    return error.reason, error.http_status


async def test_presets_are_listed(studio: Studio) -> None:
    listed = await studio.ask("ListPresets", transcode_pb2.ListPresetsRequest())
    assert "hls" in {preset.name for preset in listed.presets}


async def test_a_foreign_tenant_finds_nothing(studio: Studio, clip: Path) -> None:
    job = await studio.job_of(await studio.bring_in(clip))
    foreign = replace(studio, tenant=new_id())
    assert await refusal(foreign.get(job)) == ("job_not_found", 404)
    cancel = foreign.ask("CancelJob", transcode_pb2.CancelJobRequest(job_id=job.id))
    assert await refusal(cancel) == ("job_not_found", 404)
    assert not (await foreign.ask("ListJobs", transcode_pb2.ListJobsRequest())).jobs
    await studio.cancel(job)


async def test_a_second_job_over_an_asset(studio: Studio, clip: Path) -> None:
    upload = await studio.bring_in(clip)
    first = await studio.job_of(upload)
    request = transcode_pb2.CreateJobRequest(
        asset_id=upload.asset_id, priority=10, request_id="once", callback_url="https://club.example/over"
    )
    made = [(await studio.ask("CreateJob", request)).job for _ in range(2)]
    assert made[0] == made[1]
    assert (made[0].priority, made[0].state) == (10, transcode_pb2.Job.STATE_QUEUED)
    listed = await studio.ask("ListJobs", transcode_pb2.ListJobsRequest(asset_id=upload.asset_id))
    assert [job.id for job in listed.jobs] == [made[0].id, first.id]
    for job in listed.jobs:
        await studio.cancel(job)
    unknown = studio.ask("CreateJob", transcode_pb2.CreateJobRequest(asset_id=new_id()))
    assert await refusal(unknown) == ("asset_not_found", 404)


async def test_tasks_are_for_workers_alone(studio: Studio) -> None:
    claim = worker_pb2.ClaimTaskRequest(worker_id="anybody")
    async with called(studio.address, worker_pb2.DESCRIPTOR, studio.tenant, "jobs:read", "jobs:write") as channel:
        call = worker_pb2_grpc.WorkerServiceStub(channel).ClaimTask(claim, timeout=TIMEOUT)
        assert await refusal(call) == ("missing_scope", 403)


async def test_a_result_without_a_result_is_refused(studio: Studio) -> None:
    nothing = worker_pb2.CompleteTaskRequest(task_id=new_id(), epoch=1)
    async with called(studio.address, worker_pb2.DESCRIPTOR, studio.tenant, "tasks:work") as channel:
        call = worker_pb2_grpc.WorkerServiceStub(channel).CompleteTask(nothing, timeout=TIMEOUT)
        assert await refusal(call) == ("result_missing", 400)
