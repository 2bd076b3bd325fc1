"""Presets as protos."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, cast

from reelmesh.transcode.v1 import preset_pb2

from meshkit.grpc.times import timestamp
from services.transcode.media.encoders import CODECS, Codec
from services.transcode.media.preset import AudioCodec, Container, Fit, Preset, PresetAudio, PresetRung, PresetVideo
from services.transcode.media.rates import STANDARD
from services.transcode.scheduler import edit_wire, still_wire
from services.transcode.scheduler.analysis_wire import from_analysis, to_analysis

if TYPE_CHECKING:
    from services.transcode.scheduler.custom import Custom

_NEAR = Fraction(1, 200)


def from_preset(preset: preset_pb2.Preset) -> Preset:
    """With every default in its place; of a message that keeps its rules."""
    blank = Preset(name=preset.name)
    files = preset.files or any(rung.container for video in preset.video for rung in video.rungs)
    return Preset(
        name=preset.name,
        description=preset.description,
        video=tuple(map(_video, preset.video)),
        audio=_audio(preset.audio) if preset.HasField("audio") else None,
        frame_rate=_rate(preset.frame_rate) if preset.frame_rate else None,
        stream=preset.stream or not files,
        files=tuple(cast(Container, each) for each in preset.files),
        gop_seconds=preset.gop_seconds or blank.gop_seconds,
        chunk_seconds=preset.chunk_seconds or blank.chunk_seconds,
        early_chunks=preset.early_chunks if preset.HasField("early_chunks") else blank.early_chunks,
        edits=edit_wire.from_edits(preset.edits),
        image=still_wire.from_image(preset.image),
        poster=still_wire.from_poster(preset.poster) if preset.HasField("poster") else None,
        analysis=from_analysis(preset.analysis) if preset.HasField("analysis") else None,
    )


def to_preset(preset: Preset) -> preset_pb2.Preset:
    return preset_pb2.Preset(
        name=preset.name,
        description=preset.description,
        video=map(_to_video, preset.video),
        audio=_to_audio(preset.audio) if preset.audio else None,
        frame_rate=float(preset.frame_rate or 0),
        stream=preset.stream,
        files=preset.files,
        gop_seconds=preset.gop_seconds,
        chunk_seconds=preset.chunk_seconds,
        early_chunks=preset.early_chunks,
        edits=edit_wire.to_edits(preset.edits),
        image=still_wire.to_image(preset.image),
        poster=still_wire.to_poster(preset.poster) if preset.poster else None,
        analysis=to_analysis(preset.analysis),
    )


def to_shipped(preset: Preset) -> preset_pb2.Preset:
    told = to_preset(preset)
    told.shipped = True
    return told


def to_custom(custom: Custom) -> preset_pb2.Preset:
    told = preset_pb2.Preset(
        etag=custom.etag, create_time=timestamp(custom.create_time), update_time=timestamp(custom.update_time)
    )
    told.MergeFrom(to_preset(custom.preset))
    return told


def _video(video: preset_pb2.PresetVideo) -> PresetVideo:
    usual = CODECS[cast(Codec, video.codec)]
    return PresetVideo.from_json(
        {
            "codec": video.codec,
            "encoder": video.encoder or usual.encoder,
            "speed": video.speed or usual.speed,
            "crf": video.crf or usual.crf,
            "rungs": [_rung(rung).to_json() for rung in sorted(video.rungs, key=lambda rung: -rung.short_side)],
        }
    )


def _rung(rung: preset_pb2.PresetRung) -> PresetRung:
    return PresetRung(
        short_side=rung.short_side,
        width=rung.width,
        height=rung.height,
        fit=cast(Fit, rung.fit or "contain"),
        upscale=rung.upscale,
        maxrate=rung.max_bit_rate,
        bit_rate=rung.bit_rate,
        crf=rung.crf,
        container=cast(Container, rung.container) if rung.container else None,
    )


def _audio(audio: preset_pb2.PresetAudio) -> PresetAudio:
    usual = PresetAudio()
    loudness = Fraction(audio.loudness) if audio.HasField("loudness") else usual.loudness
    return PresetAudio(
        codec=cast(AudioCodec, audio.codec) or usual.codec,
        bit_rate=audio.bit_rate or usual.bit_rate,
        loudness=None if audio.keep_loudness else loudness,
    )


def _to_audio(audio: PresetAudio) -> preset_pb2.PresetAudio:
    return preset_pb2.PresetAudio(
        codec=audio.codec,
        bit_rate=audio.bit_rate,
        loudness=None if audio.loudness is None else float(audio.loudness),
        keep_loudness=audio.loudness is None,
    )


def _rate(rate: float) -> Fraction:
    """29.97 is meant as 30000/1001."""
    exact = Fraction(rate).limit_denominator(1001)
    near = min(STANDARD, key=lambda standard: abs(standard - exact))
    return near if abs(near - exact) < _NEAR else exact


def _to_video(video: PresetVideo) -> preset_pb2.PresetVideo:
    return preset_pb2.PresetVideo(
        codec=video.codec,
        encoder=video.encoder,
        speed=video.speed,
        crf=video.crf,
        rungs=[
            preset_pb2.PresetRung(
                short_side=rung.short_side,
                width=rung.width,
                height=rung.height,
                fit=rung.fit,
                upscale=rung.upscale,
                max_bit_rate=rung.maxrate,
                bit_rate=rung.bit_rate,
                crf=rung.crf,
                container=rung.container or "",
            )
            for rung in video.rungs
        ],
    )
