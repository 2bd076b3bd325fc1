"""Fake of the part of the transcode service that knows of jobs before their files are there."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from reelmesh.transcode.v1 import transcode_pb2

from meshkit.auth import caller
from meshkit.ids import new_id

if TYPE_CHECKING:
    from meshkit.errors import MeshError


@dataclass(kw_only=True)
class FirstJobs:
    checked: list[transcode_pb2.CheckJobRequest] = field(default_factory=list)
    refusal: MeshError | None = None
    """Of whatever is checked."""
    at_once: bool = False
    """Whoever asks for the job of an upload finds it."""

    async def CheckJob(self, request: Any, context: Any) -> transcode_pb2.CheckJobResponse:
        self.checked.append(request)
        if self.refusal:
            raise self.refusal
        return transcode_pb2.CheckJobResponse()

    def _brought_about(self, job_id: str) -> transcode_pb2.Job:
        state = transcode_pb2.Job.STATE_QUEUED
        return transcode_pb2.Job(id=job_id, tenant_id=caller().tenant_id, asset_id=new_id(), state=state, preset="made")
