"""Transcode workers as their own `main` wires them, in the test's process, with a token of the test's."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from reelmesh.transcode.v1 import worker_pb2, worker_pb2_grpc

from meshkit.ids import new_id
from meshkit.nats import connected
from services.transcode.worker.channels import GrpcScheduler, JetStreamQueue
from services.transcode.worker.execute import Executor
from services.transcode.worker.objects import S3Objects
from services.transcode.worker.service import Worker
from tests.serving import called

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from local.infra import Infra
    from meshkit.objects import Objects


@dataclass
class Running:
    """A worker at work; `reports` are what it had to say."""

    id: str
    scratch: Path
    task: asyncio.Task[None]
    reports: list[tuple[str, dict[str, object]]] = field(default_factory=list)

    @property
    def encoding(self) -> bool:
        """Whether ffmpeg has begun to write."""
        return any(self.scratch.glob("tasks/*/*.mp4"))

    @property
    def busy(self) -> bool:
        return any(self.scratch.glob("tasks/*"))

    async def stop(self) -> None:
        """What SIGTERM does."""
        self.task.cancel()
        with suppress(asyncio.CancelledError):
            await self.task


@dataclass(frozen=True)
class Workers:
    """Starts workers; each needs a scheduler's address and a folder of its own."""

    infra: Infra
    objects: Objects
    folder: Path

    @asynccontextmanager
    async def working(self, address: str) -> AsyncIterator[Running]:
        worker_id = f"worker-{new_id()}"
        scratch = self.folder / worker_id
        reports: list[tuple[str, dict[str, object]]] = []
        async with (
            connected(self.infra.nats_url, worker_id) as bus,
            called(address, worker_pb2.DESCRIPTOR, new_id(), "tasks:work") as channel,
        ):
            scheduler = GrpcScheduler(worker_pb2_grpc.WorkerServiceStub(channel), worker_id)
            ffmpeg = Path(self.infra.ffmpeg)
            executor = Executor(
                scheduler, S3Objects(self.objects), scratch=scratch, ffmpeg=ffmpeg, threads=1, deadline=60.0
            )
            worker = Worker(
                JetStreamQueue(bus), scheduler, executor, lambda event, fields: reports.append((event, fields))
            )
            running = Running(worker_id, scratch, asyncio.create_task(worker.run()), reports)
            try:
                yield running
            finally:
                await running.stop()
