"""What a worker says that does not know that its lease is over."""

from __future__ import annotations

from contextlib import asynccontextmanager
from itertools import groupby
from typing import TYPE_CHECKING

from reelmesh.transcode.v1 import worker_pb2, worker_pb2_grpc

from local.home import home_at
from local.ports import ports_of
from meshkit.credentials import OwnToken, identity_at
from meshkit.grpc import client
from services.transcode.worker.channels import GrpcScheduler
from services.transcode.worker.domain import Encoded, Kind, StoredSegment, StoredTrack
from services.transcode.worker.domain import Task as Held

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from local.mesh import RunningMesh
    from tests.faults.state import Segment, Task


@asynccontextmanager
async def speaking_as_worker(mesh: RunningMesh) -> AsyncIterator[GrpcScheduler]:
    home = home_at(mesh.home)
    addresses = {name: f"127.0.0.1:{ports_of(home).remembered(name)}" for name in ("identity", "scheduler")}
    async with identity_at(addresses["identity"]) as identity:
        token = OwnToken(identity, home.secret("service-key-transcode-worker"))
        async with client.channel(addresses["scheduler"], worker_pb2.DESCRIPTOR, token) as channel:
            yield GrpcScheduler(worker_pb2_grpc.WorkerServiceStub(channel), "zombie")


def late_result(lost: Task, landed: Sequence[Segment]) -> tuple[Held, Encoded]:
    """A result for the chunk under the claim that was lost, as good as the one that landed."""
    held = Held(
        id=lost.id,
        job_id="",
        kind=Kind.ENCODE_VIDEO,
        epoch=lost.epoch,
        source_key="",
        source_size=0,
        file_name="",
        output_prefix="",
        spec={},
    )
    video = [segment for segment in landed if segment.rendition != "audio"]
    rungs = groupby(video, lambda each: each.rendition)
    return held, Encoded([_track(name, list(rung), lost.epoch) for name, rung in rungs])


def said_by(mesh: RunningMesh, name: str) -> list[str]:
    """The lines of its log."""
    return mesh.services[name].child.log.read_text().splitlines()


def _track(name: str, rung: Sequence[Segment], epoch: int) -> StoredTrack:
    segments = tuple(
        StoredSegment(
            key=f"{each.key.rpartition('-')[0]}-{epoch}.m4s",
            number=each.number,
            size=each.size,
            start=each.start,
            ticks=each.ticks,
            frames=1,
        )
        for each in rung
    )
    return StoredTrack(
        rendition=name, init_key=f"{name}/init.mp4", init_size=1, codecs="avc1", timescale=90_000, segments=segments
    )
