"""Tasks that do nothing, through the whole path: queue, claim, heartbeat, complete, next stage."""

from __future__ import annotations

import asyncio
import hashlib
import time
import uuid
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TYPE_CHECKING

from reelmesh.transcode.v1 import worker_pb2, worker_pb2_grpc

from bench.cpu import cpu_seconds
from bench.transcode.meshed import settled
from meshkit.credentials import OwnToken, identity_at
from meshkit.grpc import client
from meshkit.ids import new_id
from meshkit.nats import connected
from meshkit.run import until
from services.transcode.media.facts import AudioFacts, SourceFacts, VideoFacts
from services.transcode.worker.channels import GrpcScheduler, JetStreamQueue
from services.transcode.worker.domain import Encoded, Filed, Kind, StoredSegment, StoredTrack, Task
from services.transcode.worker.service import Progress, Worker

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from reelmesh_client import Client

    from local.mesh import RunningMesh
    from services.transcode.worker.ports import Complete

SLOTS = 16
_TIMESCALE = 15_360


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """A long video's bookkeeping: `plan` and `wall` in seconds, `cpu_per_task` of the scheduler in milliseconds."""

    tasks: int
    plan: float
    wall: float
    cpu_per_task: float


def long_video(seconds: int) -> SourceFacts:
    duration = Fraction(seconds)
    video = VideoFacts(
        stream=0,
        codec="h264",
        width=1920,
        height=1080,
        sar=Fraction(1),
        rotation=0,
        start=Fraction(0),
        sync_start=Fraction(0),
        duration=duration,
        frame_rate=Fraction(30),
        nominal_rate=Fraction(30),
        constant_rate=True,
        frames=seconds * 30,
        longest_frame=Fraction(1, 30),
        keyframe_gap=Fraction(2),
        keyframe_period=Fraction(2),
        key_delay=Fraction(1, 15),
        key_delay_spread=Fraction(0),
        pix_fmt="yuv420p",
        transfer=None,
        primaries=None,
        hdr="none",
        bit_rate=None,
    )
    audio = AudioFacts(
        stream=1, codec="aac", channels=2, sample_rate=48_000, start=Fraction(0), duration=duration, bit_rate=None
    )
    return SourceFacts(
        sha256=2 * uuid.uuid4().hex, size=1, family="mp4", kind="video", duration=duration, video=video, audio=audio
    )


class Nothing:
    """Does no work, and says it is done."""

    def __init__(self, scheduler: GrpcScheduler, facts: SourceFacts) -> None:
        self._scheduler = scheduler
        self._facts = facts
        self.planned = 0.0
        self.done = 0

    async def __call__(self, task: Task, progress: Progress, complete: Complete) -> None:
        progress.value = 0.5
        await self._scheduler.beat(task, progress.value)
        if task.kind is Kind.PROBE:
            began = time.monotonic()
            # No two sources are the same: what was made of one is not copied for another.
            digest = hashlib.sha256(task.job_id.encode()).hexdigest()
            await complete(replace(self._facts, sha256=digest))
            self.planned = time.monotonic() - began
            return
        if task.kind not in {Kind.ENCODE_VIDEO, Kind.ENCODE_AUDIO}:
            await complete(Filed([]))
            return
        names = [rung["name"] for rung in task.spec["rungs"]] if task.kind is Kind.ENCODE_VIDEO else ["audio"]
        await complete(Encoded([_track(task, name) for name in names]))
        self.done += 1


def _track(task: Task, name: str) -> StoredTrack:
    first = int(task.spec.get("start_frame", 0)) // 120
    count = max(1, int(task.spec.get("frames", 120)) // 120)
    segments = tuple(
        StoredSegment(
            key=f"{task.output_prefix}{name}/{number:06d}-{task.epoch}.m4s",
            number=number,
            size=100_000,
            start=number * 4 * _TIMESCALE,
            ticks=4 * _TIMESCALE,
            frames=120,
        )
        for number in range(first, first + count)
    )
    return StoredTrack(
        rendition=name,
        init_key=f"{task.output_prefix}{name}/init.mp4",
        init_size=800,
        codecs="avc1.640028",
        timescale=_TIMESCALE,
        segments=segments,
    )


@asynccontextmanager
async def idling(mesh: RunningMesh, seconds: int, slots: int) -> AsyncIterator[Nothing]:
    """Inside, `slots` do nothing with the tasks of `mesh`, and every source is said to be a video of so many seconds.

    The mesh was started with a worker, which is stopped by now.
    """
    env = mesh.services["worker-1"].child.program.env
    async with AsyncExitStack() as stack:
        identity = await stack.enter_async_context(identity_at(env["IDENTITY_ADDR"]))
        token = OwnToken(identity, env["SERVICE_KEY"])
        channel = await stack.enter_async_context(client.channel(env["TRANSCODE_ADDR"], worker_pb2.DESCRIPTOR, token))
        bus = await stack.enter_async_context(connected(env["NATS_URL"], f"idle-{new_id()}"))
        schedulers = [
            GrpcScheduler(worker_pb2_grpc.WorkerServiceStub(channel), f"idle-{slot}") for slot in range(slots)
        ]
        nothing = Nothing(schedulers[0], long_video(seconds))
        workers = [Worker(JetStreamQueue(bus), scheduler, nothing, _quiet) for scheduler in schedulers]
        stop = asyncio.Event()
        working = asyncio.create_task(until(stop, *(worker.run() for worker in workers), again=1.0))
        try:
            yield nothing
        finally:
            stop.set()
            await working


async def passage(mesh: RunningMesh, api: Client, clip: Path, seconds: int) -> Passage:
    """One video of so many seconds, without a frame being decoded."""
    scheduler_pid = mesh.pids["scheduler"]
    async with idling(mesh, seconds, SLOTS) as nothing:
        began, cpu = time.monotonic(), cpu_seconds(scheduler_pid)
        asset_id = await asyncio.to_thread(api.upload_file, clip)
        await asyncio.to_thread(settled, api, asset_id)
        wall = time.monotonic() - began
        used = cpu_seconds(scheduler_pid) - cpu
    return Passage(tasks=nothing.done, plan=nothing.planned, wall=wall, cpu_per_task=1000 * used / nothing.done)


def _quiet(_: str, __: dict[str, object]) -> None:
    """Nobody reads a benchmark's warnings."""
