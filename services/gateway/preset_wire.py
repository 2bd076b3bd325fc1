"""Presets as JSON and as protos."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from google.protobuf import json_format
from reelmesh.transcode.v1 import preset_pb2

from meshkit import public
from services.gateway import analysis
from services.gateway.preset_schemas import Audio, Preset

if TYPE_CHECKING:
    from services.gateway.preset_schemas import PresetRequest


def to_preset(name: str, body: PresetRequest) -> preset_pb2.Preset:
    preset = preset_pb2.Preset(name=name)
    json_format.ParseDict(body.model_dump(exclude_none=True, exclude={"analysis"}), preset)
    asked = analysis.to_proto(body.analysis)
    if asked and not asked.off:
        preset.analysis.CopyFrom(asked)
    if body.audio:
        preset.audio.keep_loudness = body.audio.loudness is None
    return preset


def from_preset(preset: preset_pb2.Preset) -> dict[str, Any]:
    told: dict[str, Any] = json_format.MessageToDict(
        preset, preserving_proto_field_name=True, always_print_fields_with_no_presence=True
    )
    if audio := told.get("audio"):
        told["audio"] = {name: audio.get(name) for name in Audio.model_fields}
    for rung in (rung for video in told["video"] for rung in video["rungs"]):
        rung |= {name: int(rung[name]) for name in ("max_bit_rate", "bit_rate")}
        rung |= {name: rung[name] or None for name in rung if name not in ("fit", "upscale")}
    if image := told.get("image"):
        image |= {name: image[name] or None for name in ("format", "quality")}
    if preset.HasField("poster"):
        told["poster"] = {"second": preset.poster.second if preset.poster.HasField("second") else None}
    told["edits"] = public.edits(preset.edits) if preset.HasField("edits") else None
    told["analysis"] = analysis.shown(preset)
    times = {name: told.get(name) for name in ("create_time", "update_time")}
    told |= {"frame_rate": told["frame_rate"] or None} | times
    return {name: told.get(name) for name in Preset.model_fields}
