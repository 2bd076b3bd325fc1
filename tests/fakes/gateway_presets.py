"""Fake of the part of the transcode service that keeps presets."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from reelmesh.transcode.v1 import preset_pb2, transcode_pb2

from meshkit.errors import Conflict, NotFound
from services.transcode.scheduler.preset_wire import from_preset, to_preset, to_shipped
from tests.unit.transcode_media.builders import HLS


@dataclass(kw_only=True)
class FakePresets:
    presets: dict[str, preset_pb2.Preset] = field(
        default_factory=lambda: {"default": to_shipped(replace(HLS, name="default"))}
    )

    async def ListPresets(self, request: Any, context: Any) -> transcode_pb2.ListPresetsResponse:
        return transcode_pb2.ListPresetsResponse(presets=self.presets.values())

    async def GetPreset(self, request: Any, context: Any) -> transcode_pb2.GetPresetResponse:
        return transcode_pb2.GetPresetResponse(preset=self._preset(request.name))

    async def PutPreset(self, request: Any, context: Any) -> transcode_pb2.PutPresetResponse:
        before = self.presets.get(request.preset.name)
        self._changeable(before, request.etag)
        after = preset_pb2.Preset(etag=f"{int(before.etag) + 1 if before else 1}")
        after.MergeFrom(to_preset(from_preset(request.preset)))
        self.presets[after.name] = after
        return transcode_pb2.PutPresetResponse(preset=after, created=before is None)

    async def DeletePreset(self, request: Any, context: Any) -> transcode_pb2.DeletePresetResponse:
        self._changeable(self._preset(request.name), request.etag)
        del self.presets[request.name]
        return transcode_pb2.DeletePresetResponse()

    def _preset(self, name: str) -> preset_pb2.Preset:
        if name not in self.presets:
            raise NotFound("preset_not_found", "no such preset")
        return self.presets[name]

    def _changeable(self, preset: preset_pb2.Preset | None, etag: str) -> None:
        if preset is not None and preset.shipped:
            raise Conflict("preset_read_only", "it is shipped")
        if etag and (preset is None or etag != preset.etag):
            raise Conflict("etag_mismatch", "the preset was changed meanwhile")
