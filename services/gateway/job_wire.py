"""What is wanted of a job, as the services take it; and what they would refuse, before a file is sent for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from grpc.aio import AioRpcError
from reelmesh.notify.v1 import webhook_pb2
from reelmesh.transcode.v1 import transcode_pb2

from meshkit.errors import FieldError, InvalidArgument
from meshkit.grpc import status
from services.gateway import analysis, edits
from services.gateway.channels import TIMEOUT
from services.gateway.outputs import to_recipe
from services.gateway.presets import check_preset
from services.gateway.problems import named

if TYPE_CHECKING:
    from reelmesh.upload.v1 import upload_pb2

    from services.gateway.channels import Services
    from services.gateway.job_bodies import JobOptions

WITHIN = "job."
"""Where an upload says it."""


def to_options(said: JobOptions) -> transcode_pb2.JobOptions:
    """All but the preset. Raises InvalidArgument."""
    options = transcode_pb2.JobOptions(
        edits=edits.to_proto(said.edits),
        analysis=analysis.to_proto(said.analysis),
        priority=said.priority,
        callback_url=said.callback_url or "",
    )
    if said.outputs:
        options.recipe.CopyFrom(to_recipe(said.outputs))
    return options


def add_job(create: upload_pb2.CreateUploadRequest, said: JobOptions | None) -> upload_pb2.CreateUploadRequest:
    """The same upload, with this job to follow. Raises InvalidArgument."""
    if said is None:
        return create
    if said.preset and create.preset not in ("", said.preset):
        fault = FieldError("job.preset", "differs from the upload's own")
        raise InvalidArgument("invalid_argument", "the job has two presets", fields=(fault,))
    create.preset = said.preset or create.preset
    try:
        options = to_options(said)
    except InvalidArgument as error:
        raise named(error, "", WITHIN) from None
    if options.ByteSize():
        create.job.CopyFrom(options)
    return create


async def vet(services: Services, create: upload_pb2.CreateUploadRequest, within: str = WITHIN) -> None:
    """Raises MeshError for a job that could be made of no file at all; its fields are those below `within`."""
    await check_preset(services, create.preset)
    if not create.HasField("job"):
        return
    await check_callback(services, create.job.callback_url, f"{within}callback_url")
    request = transcode_pb2.CheckJobRequest(preset=create.preset, job=create.job)
    try:
        await services.transcode.CheckJob(request, timeout=TIMEOUT)
    except AioRpcError as error:
        raise named(named(status.from_rpc_error(error), "job.recipe.", within), "job.", within) from error


async def check_callback(services: Services, url: str, field: str) -> None:
    """Raises InvalidArgument (`url_not_allowed`)."""
    if not url:
        return
    try:
        # A host's name is looked up in it.
        await services.webhooks.CheckUrl(webhook_pb2.CheckUrlRequest(url=url), timeout=2 * TIMEOUT)
    except AioRpcError as error:
        raise named(status.from_rpc_error(error), "url", field) from error
