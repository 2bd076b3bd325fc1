"""A worker that does no work: tasks go their whole way through queue, claim and completion, and nothing is encoded."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING

from reelmesh.transcode.v1 import worker_pb2, worker_pb2_grpc

from bench.transcode.noop import Nothing, long_video
from meshkit.credentials import OwnToken, identity_at
from meshkit.grpc import client
from meshkit.ids import new_id
from meshkit.nats import connected
from services.transcode.worker.channels import GrpcScheduler, JetStreamQueue
from services.transcode.worker.service import Worker

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from local.mesh import RunningMesh

SLOTS = 4
SECONDS = 20
"""Of the video that every source is said to be: four chunks and the sound."""


@asynccontextmanager
async def idling(mesh: RunningMesh) -> AsyncIterator[Nothing]:
    """Inside, tasks of `mesh` are done by nobody. It was started with a worker, which is stopped by now."""
    env = mesh.services["worker-1"].child.program.env
    async with AsyncExitStack() as stack:
        identity = await stack.enter_async_context(identity_at(env["IDENTITY_ADDR"]))
        token = OwnToken(identity, env["SERVICE_KEY"])
        channel = await stack.enter_async_context(client.channel(env["TRANSCODE_ADDR"], worker_pb2.DESCRIPTOR, token))
        bus = await stack.enter_async_context(connected(env["NATS_URL"], f"load-{new_id()}"))
        scheduler = GrpcScheduler(worker_pb2_grpc.WorkerServiceStub(channel), "load")
        nothing = Nothing(scheduler, long_video(SECONDS))
        workers = [Worker(JetStreamQueue(bus), scheduler, nothing, _quiet) for _ in range(SLOTS)]
        slots = [asyncio.create_task(worker.run()) for worker in workers]
        try:
            yield nothing
        finally:
            for slot in slots:
                slot.cancel()
            await asyncio.gather(*slots, return_exceptions=True)


def _quiet(_: str, __: dict[str, object]) -> None:
    """What the mesh itself has to say is in its logs."""
