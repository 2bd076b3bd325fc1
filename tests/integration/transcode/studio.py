"""What a test does with the scheduler: bring a file in, follow its job, watch its stream."""

from __future__ import annotations

import asyncio
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import sqlalchemy as sa
from google.protobuf import json_format
from grpc import StatusCode
from grpc.aio import AioRpcError
from reelmesh.metadata.v1 import metadata_events_pb2, metadata_pb2
from reelmesh.transcode.v1 import transcode_pb2, transcode_pb2_grpc
from reelmesh.upload.v1 import upload_pb2

from meshkit import outbox
from meshkit.ids import new_id
from services.transcode.scheduler.tables import TASKS, to_task
from tests.eventually import eventually
from tests.serving import called
from tests.streams import has_message

if TYPE_CHECKING:
    from pathlib import Path

    from meshkit.db import Database
    from meshkit.nats import Bus
    from meshkit.objects import Objects

TIMEOUT = 10.0
PREFIX = "reelmesh.transcode.v1"
SCOPES = ("jobs:read", "jobs:write", "jobs:inspect")


@dataclass(frozen=True)
class Studio:
    """One tenant's view of the scheduler at `address`, and the servers below it."""

    address: str
    tenant: str
    bus: Bus
    objects: Objects
    db: Database

    async def ask(self, method: str, request: Any) -> Any:
        async with called(self.address, transcode_pb2.DESCRIPTOR, self.tenant, *SCOPES) as channel:
            return await getattr(transcode_pb2_grpc.TranscodeServiceStub(channel), method)(request, timeout=TIMEOUT)

    async def bring_in(self, path: Path, preset: str = "") -> upload_pb2.Upload:
        """Store the file and say that there is an asset of it, as the metadata service does."""
        asset_id = new_id()
        upload = upload_pb2.Upload(
            id=new_id(),
            tenant_id=self.tenant,
            asset_id=asset_id,
            file_name=path.name,
            size=await asyncio.to_thread(os.path.getsize, path),
            object_key=f"assets/{asset_id}/source",
            preset=preset,
        )
        await self.objects.upload(path, upload.object_key, "video/mp4", "no-store")
        await self.say(metadata_events_pb2.AssetCreated(asset=self.asset(upload)), asset_id)
        return upload

    def asset(self, upload: upload_pb2.Upload) -> metadata_pb2.Asset:
        """What becomes of the upload, before anything was made of it."""
        same = ("tenant_id", "file_name", "size", "object_key", "preset")
        values = {name: getattr(upload, name) for name in same}
        return metadata_pb2.Asset(
            id=upload.asset_id,
            upload_id=upload.id,
            state=metadata_pb2.Asset.STATE_UPLOADED,
            declared_sha256=upload.sha256,
            **values,
        )

    async def say(self, event: Any, key: str) -> None:
        headers = {outbox.EVENT_ID: new_id()}
        await self.bus.publish(outbox.subject_of(event, key), event.SerializeToString(), headers, new_id())

    async def job_of(self, upload: upload_pb2.Upload) -> transcode_pb2.Job:
        """The job of that upload, once there is one."""

        async def found() -> Any:
            listed = await self.ask("ListJobs", transcode_pb2.ListJobsRequest(asset_id=upload.asset_id))
            return list(listed.jobs)

        return cast(transcode_pb2.Job, (await eventually(found))[0])

    async def get(self, job: transcode_pb2.Job) -> transcode_pb2.Job:
        answer = await self.ask("GetJob", transcode_pb2.GetJobRequest(job_id=job.id))
        return cast(transcode_pb2.Job, answer.job)

    async def cancel(self, job: transcode_pb2.Job) -> transcode_pb2.Job:
        answer = await self.ask("CancelJob", transcode_pb2.CancelJobRequest(job_id=job.id))
        return cast(transcode_pb2.Job, answer.job)

    async def retry(self, job: transcode_pb2.Job) -> transcode_pb2.Job:
        answer = await self.ask("RetryJob", transcode_pb2.RetryJobRequest(job_id=job.id))
        return cast(transcode_pb2.Job, answer.job)

    async def ended(self, job: transcode_pb2.Job, within: float = 30.0) -> transcode_pb2.Job:
        """The job, once it is over; a scheduler that restarts may be away meanwhile."""

        async def over() -> Any:
            try:
                now = await self.get(job)
            except AioRpcError as error:
                if error.code() is not StatusCode.UNAVAILABLE:
                    raise
                return None
            assert now.state in {3, 4, 5}, json_format.MessageToJson(now)
            return now

        return cast(transcode_pb2.Job, await eventually(over, within=within))

    async def facts(self, job: transcode_pb2.Job) -> list[str]:
        """What was said of the job, each as often as it was, in the order of the stream."""
        subjects = f"{PREFIX}.*.{job.id}"
        counts = (await self.bus.js.stream_info("TRANSCODE", subjects_filter=subjects)).state.subjects or {}
        last = {subject: (await self.bus.js.get_last_msg("TRANSCODE", subject)).seq or 0 for subject in counts}
        facts = sorted(counts, key=lambda subject: last[subject])
        return [subject.split(".")[-2] for subject in facts for _ in range(counts[subject])]

    async def tasks(self, job: transcode_pb2.Job) -> list[Any]:
        async with self.db.transaction() as connection:
            return list(await connection.execute(sa.select(TASKS).where(TASKS.c.job_id == job.id).order_by(TASKS.c.id)))

    async def messages(self, job: transcode_pb2.Job) -> list[str]:
        """Kinds of the job's tasks whose message is in the work queue."""
        tasks = [to_task(row) for row in await self.tasks(job)]
        return [str(task.kind) for task in tasks if await has_message(self.bus, "TASKS", task.subject)]

    async def time_passes(self, job: transcode_pb2.Job) -> None:
        """As if the job's queue messages had last been seen a minute ago."""
        minute = sa.text("interval '1 minute'")
        earlier = sa.update(TASKS).where(TASKS.c.job_id == job.id).values(queue_time=TASKS.c.queue_time - minute)
        async with self.db.transaction() as connection:
            await connection.execute(earlier)

    async def read(self, key: str) -> bytes:
        stored = await self.objects.open(key)
        return bytes(await asyncio.to_thread(stored["Body"].read))

    async def playlist(self, job: transcode_pb2.Job, name: str) -> str:
        return (await self.read(job.object_prefix + name)).decode()

    async def track(self, job: transcode_pb2.Job, name: str, path: Path) -> Path:
        """A track as a player reads it: its init segment, then its segments, in one file."""
        lines = (await self.playlist(job, name)).splitlines()
        [init] = [line.split('"')[1] for line in lines if line.startswith("#EXT-X-MAP")]
        uris = [init, *(line for line in lines if line and not line.startswith("#"))]
        parts = [await self.read(job.object_prefix + uri) for uri in uris]
        await asyncio.to_thread(path.write_bytes, b"".join(parts))
        return path
