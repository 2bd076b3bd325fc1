"""Wire a transcode worker."""

from __future__ import annotations

import os
import secrets
import socket
from pathlib import Path  # noqa: TC003 - pydantic reads the annotation
from typing import TYPE_CHECKING

from pydantic import Field
from reelmesh.transcode.v1 import worker_pb2, worker_pb2_grpc

from meshkit.credentials import OwnToken, identity_at
from meshkit.grpc import client
from meshkit.grpc.server import GrpcServer
from meshkit.nats import connected
from meshkit.objects import Objects
from meshkit.run import until
from meshkit.settings import GrpcSettings, NatsSettings, S3Settings
from meshkit.telemetry import log
from services.transcode.worker import processes
from services.transcode.worker.channels import GrpcScheduler, JetStreamQueue
from services.transcode.worker.execute import Executor
from services.transcode.worker.ffmpeg import find_ffmpeg
from services.transcode.worker.objects import S3Objects
from services.transcode.worker.probe import PROBE
from services.transcode.worker.service import Worker

if TYPE_CHECKING:
    import asyncio


class Settings(GrpcSettings, NatsSettings, S3Settings):
    """The gRPC port serves health alone.

    `worker_slots` is how many processes to be; when it is not said, one for each core. Each then has ports of its own,
    from `grpc_port` and `metrics_port` on, and all bytes below are for each. One alone stays on the core `worker_cpu`,
    if that is said. `task_deadline` is in seconds, for one ffmpeg run.

    With less than `scratch_reserve` bytes free in the scratch folder it takes no task. It keeps at most `scratch_bytes`
    there: a source of up to `whole_bytes`, and half of that room, lies there whole; of a larger one up to
    `read_cache_bytes` are in memory.
    """

    identity_addr: str
    transcode_addr: str
    service_key: str
    scratch_dir: Path
    worker_slots: int | None = Field(default=None, ge=1)
    worker_cpu: int | None = Field(default=None, ge=0)
    ffmpeg_path: str = ""
    ffmpeg_threads: int = Field(default=1, ge=1)
    task_deadline: float = Field(default=3600.0, gt=0)
    scratch_reserve: int = Field(default=256 << 20, ge=0)
    scratch_bytes: int = Field(default=4 << 30, gt=0)
    whole_bytes: int = Field(default=64 << 20, ge=0)
    read_cache_bytes: int = Field(default=64 << 20, ge=0)


async def main(settings: Settings, stop: asyncio.Event) -> None:
    # Of containers two may have the same name and process id.
    worker_id = f"{socket.gethostname()[:64]}-{secrets.token_hex(4)}-{os.getpid()}"
    async with (
        connected(settings.nats_url, f"worker-{worker_id}", replicas=settings.nats_replicas) as bus,
        identity_at(settings.identity_addr) as identity,
        client.channel(
            settings.transcode_addr, worker_pb2.DESCRIPTOR, OwnToken(identity, settings.service_key)
        ) as channel,
        GrpcServer(settings, identity.verifier(), {}).serving(),
    ):
        scheduler = GrpcScheduler(worker_pb2_grpc.WorkerServiceStub(channel), worker_id)
        executor = Executor(
            scheduler,
            S3Objects(Objects(settings)),
            scratch=settings.scratch_dir,
            ffmpeg=find_ffmpeg(settings.ffmpeg_path or None),
            threads=settings.ffmpeg_threads,
            deadline=settings.task_deadline,
            reserve=settings.scratch_reserve,
            scratch_bytes=settings.scratch_bytes,
            whole_bytes=settings.whole_bytes,
            read_cache_bytes=settings.read_cache_bytes,
        )
        worker = Worker(
            JetStreamQueue(bus),
            scheduler,
            executor,
            lambda event, fields: log.warning(event, **fields),
            check_room=executor.check_room,
            rest=lambda: processes.prepare(PROBE, processes.ANY),
        )
        try:
            await until(stop, worker.run())
        finally:
            await processes.dismiss()
