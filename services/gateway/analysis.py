"""What is asked of an analysis, and told of what was asked."""

from typing import Annotated, Any

from pydantic import Field
from reelmesh.transcode.v1 import preset_pb2

from services.gateway.body import Body


class AnalysisOptions(Body):
    vmaf: Annotated[bool, Field(description="Compare each rung with the source: nearly the work of encoding it.")] = (
        True
    )


def to_proto(asked: AnalysisOptions | bool | None) -> preset_pb2.Analysis | None:
    """True is all there is, and False nothing, whatever the preset says."""
    match asked:
        case None:
            return None
        case bool():
            return preset_pb2.Analysis(vmaf=True) if asked else preset_pb2.Analysis(off=True)
    return preset_pb2.Analysis(vmaf=asked.vmaf)


def shown(preset: preset_pb2.Preset) -> dict[str, Any] | None:
    return {"vmaf": preset.analysis.vmaf} if preset.HasField("analysis") else None
