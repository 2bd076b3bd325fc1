"""What a job asks for output by output, as one recipe."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reelmesh.transcode.v1 import preset_pb2

from meshkit.errors import FieldError, InvalidArgument

if TYPE_CHECKING:
    from collections.abc import Sequence

    from services.gateway.preset_schemas import OutputRequest, OutputVideo

NAME = "custom"
"""By which such a job goes."""
_AS_IT_CAME = 0.0
"""No loudness that could be asked for."""


def to_recipe(outputs: Sequence[OutputRequest]) -> preset_pb2.Preset:
    """All outputs of a job share its frame rate and its sound. Raises InvalidArgument."""
    kinds = [_kind(place, output) for place, output in enumerate(outputs)]
    if "file" in kinds and not {"hls", "dash"}.isdisjoint(kinds):
        raise _refused(kinds.index("file"), "kind", "a job makes a stream or files; ask for two jobs")
    recipe = preset_pb2.Preset(
        name=NAME,
        stream=not {"hls", "dash"}.isdisjoint(kinds),
        files=["m4a"] if "audio" in kinds else [],
        audio=_audio(outputs),
        frame_rate=_same(outputs, [output.video and output.video.frame_rate for output in outputs], "frame_rate") or 0,
    )
    ladders: dict[str, preset_pb2.PresetVideo] = {}
    for kind, output in zip(kinds, outputs, strict=True):
        if output.video:
            container = (output.container or "mp4") if kind == "file" else ""
            codec = output.video.codec or ("vp9" if container == "webm" else "h264")
            ladder = ladders.setdefault(codec, preset_pb2.PresetVideo(codec=codec))
            ladder.rungs.append(_rung(output.video, container))
    recipe.video.extend(ladders.values())
    return recipe


def _kind(place: int, output: OutputRequest) -> str:
    kind = output.kind or ("audio" if output.video is None else "file" if output.container else "hls")
    if kind == "audio":
        if output.video or output.container not in (None, "m4a"):
            raise _refused(place, "kind", "audio is sound alone, in m4a")
        if "audio" in output.model_fields_set and output.audio is None:
            raise _refused(place, "audio", "audio without sound is nothing")
    elif output.video is None:
        raise _refused(place, "video", "is missing")
    elif kind == "file":
        if output.container == "m4a":
            raise _refused(place, "container", "m4a holds sound alone")
    elif output.container:
        raise _refused(place, "container", "a stream has none")
    return kind


def _rung(video: OutputVideo, container: str) -> preset_pb2.PresetRung:
    return preset_pb2.PresetRung(
        short_side=video.short_side or 0,
        width=video.width or 0,
        height=video.height or 0,
        fit=video.fit,
        upscale=video.upscale,
        bit_rate=video.bit_rate or 0,
        crf=video.crf or 0,
        container=container,
    )


def _audio(outputs: Sequence[OutputRequest]) -> preset_pb2.PresetAudio | None:
    silent = ["audio" in output.model_fields_set and output.audio is None for output in outputs]
    if _same(outputs, silent, "audio"):
        return None
    webm = all(output.container == "webm" for output in outputs)
    codec = _same(outputs, [output.audio and output.audio.codec for output in outputs], "audio.codec")
    bit_rate = _same(outputs, [output.audio and output.audio.bit_rate for output in outputs], "audio.bit_rate")
    asked = [output.audio and (output.audio.loudness or _AS_IT_CAME) for output in outputs]
    loudness = _same(outputs, asked, "audio.loudness")
    return preset_pb2.PresetAudio(
        codec=codec or ("opus" if webm else "aac"),
        bit_rate=bit_rate or 0,
        loudness=loudness or None,
        keep_loudness=loudness == _AS_IT_CAME,
    )


def _same(outputs: Sequence[OutputRequest], values: Sequence[Any], field: str) -> Any:
    """What those that say anything say."""
    first = next((value for value in values if value is not None), None)
    for place, value in enumerate(values[: len(outputs)]):
        if value is not None and value != first:
            raise _refused(place, field, "differs from another output of the job")
    return first


def _refused(place: int, field: str, message: str) -> InvalidArgument:
    fault = FieldError(f"outputs.{place}.{field}", message)
    return InvalidArgument("invalid_argument", "these outputs cannot be made together", fields=(fault,))
