"""What is wanted of a job, as protos say it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.transcode.scheduler import edit_wire, preset_wire
from services.transcode.scheduler.analysis_wire import from_analysis
from services.transcode.scheduler.wish import Wish

if TYPE_CHECKING:
    from reelmesh.transcode.v1 import transcode_pb2


def from_options(preset: str, said: transcode_pb2.JobOptions | transcode_pb2.CreateJobRequest) -> Wish:
    """Of a message that keeps its rules."""
    return Wish(
        preset=preset,
        recipe=preset_wire.from_preset(said.recipe) if said.HasField("recipe") else None,
        edits=edit_wire.from_edits(said.edits),
        analysis=(from_analysis(said.analysis) or False) if said.HasField("analysis") else None,
        priority=said.priority if said.HasField("priority") else None,
        callback_url=said.callback_url,
    )
