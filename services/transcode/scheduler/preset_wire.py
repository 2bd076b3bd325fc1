"""Presets as protos."""

from __future__ import annotations

from fractions import Fraction
from typing import cast

from reelmesh.transcode.v1 import preset_pb2

from services.transcode.media.encoders import CODECS, Codec
from services.transcode.media.preset import AudioCodec, Container, Preset, PresetAudio, PresetVideo
from services.transcode.scheduler import edit_wire, still_wire


def from_preset(preset: preset_pb2.Preset) -> Preset:
    """With every default in its place; of a message that keeps its rules."""
    blank = Preset(name=preset.name)
    return Preset(
        name=preset.name,
        description=preset.description,
        video=tuple(map(_video, preset.video)),
        audio=_audio(preset.audio) if preset.HasField("audio") else None,
        stream=preset.stream or not preset.files,
        files=tuple(cast(Container, each) for each in preset.files),
        gop_seconds=preset.gop_seconds or blank.gop_seconds,
        chunk_seconds=preset.chunk_seconds or blank.chunk_seconds,
        early_chunks=preset.early_chunks if preset.HasField("early_chunks") else blank.early_chunks,
        edits=edit_wire.from_edits(preset.edits),
        image=still_wire.from_image(preset.image),
        poster=still_wire.from_poster(preset.poster) if preset.HasField("poster") else None,
    )


def to_preset(preset: Preset) -> preset_pb2.Preset:
    return preset_pb2.Preset(
        name=preset.name,
        description=preset.description,
        video=[
            preset_pb2.PresetVideo(
                codec=each.codec,
                encoder=each.encoder,
                speed=each.speed,
                crf=each.crf,
                rungs=[
                    preset_pb2.PresetRung(short_side=rung.short_side, max_bit_rate=rung.maxrate) for rung in each.rungs
                ],
            )
            for each in preset.video
        ],
        audio=_to_audio(preset.audio) if preset.audio else None,
        stream=preset.stream,
        files=preset.files,
        gop_seconds=preset.gop_seconds,
        chunk_seconds=preset.chunk_seconds,
        early_chunks=preset.early_chunks,
        edits=edit_wire.to_edits(preset.edits),
        image=still_wire.to_image(preset.image),
        poster=still_wire.to_poster(preset.poster) if preset.poster else None,
    )


def _video(video: preset_pb2.PresetVideo) -> PresetVideo:
    usual = CODECS[cast(Codec, video.codec)]
    return PresetVideo.from_json(
        {
            "codec": video.codec,
            "encoder": video.encoder or usual.encoder,
            "speed": video.speed or usual.speed,
            "crf": video.crf or usual.crf,
            "rungs": [
                {"short_side": rung.short_side, "maxrate": rung.max_bit_rate}
                for rung in sorted(video.rungs, key=lambda rung: -rung.short_side)
            ],
        }
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
