"""What is asked of an analysis, as protos."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reelmesh.transcode.v1 import preset_pb2

from services.transcode.media.preset import PresetAnalysis

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any


def from_analysis(analysis: preset_pb2.Analysis) -> PresetAnalysis | None:
    if analysis.off:
        return None
    return PresetAnalysis(vmaf=analysis.vmaf if analysis.HasField("vmaf") else PresetAnalysis().vmaf)


def of_recipe(recipe: Mapping[str, Any]) -> PresetAnalysis | None:
    """Of one that may be of before there were analyses."""
    return PresetAnalysis(**recipe["analysis"]) if recipe.get("analysis") else None


def to_analysis(analysis: PresetAnalysis | None) -> preset_pb2.Analysis | None:
    return preset_pb2.Analysis(vmaf=analysis.vmaf) if analysis else None
