"""Sources and tracks with one thing changed."""

import struct
from dataclasses import replace
from fractions import Fraction
from typing import Any

from services.transcode.media.facts import AudioFacts, SourceFacts, VideoFacts
from services.transcode.media.tracks import Segment, Track
from services.transcode.scheduler.shipped import shipped

SHIPPED = {preset.name: preset for preset in shipped()}
HLS = SHIPPED["hls"]

_VIDEO = VideoFacts(
    stream=0,
    codec="h264",
    width=1920,
    height=1080,
    sar=Fraction(1),
    rotation=0,
    start=Fraction(0),
    sync_start=Fraction(0),
    duration=Fraction(20),
    frame_rate=Fraction(30),
    nominal_rate=Fraction(30),
    constant_rate=True,
    frames=600,
    longest_frame=Fraction(1, 30),
    keyframe_gap=Fraction(2),
    keyframe_period=Fraction(2),
    key_delay=Fraction(1, 15),
    key_delay_spread=Fraction(0),
    pix_fmt="yuv420p",
    transfer=None,
    primaries=None,
    hdr="none",
    bit_rate=5_000_000,
)
_AUDIO = AudioFacts(
    stream=1,
    codec="aac",
    channels=2,
    sample_rate=48_000,
    start=Fraction(0),
    duration=Fraction(20),
    bit_rate=128_000,
)


def a_video(**changes: Any) -> VideoFacts:
    return replace(_VIDEO, **changes)


def an_audio(**changes: Any) -> AudioFacts:
    return replace(_AUDIO, **changes)


def a_source(
    *, video: VideoFacts | None = _VIDEO, audio: AudioFacts | None = _AUDIO, family: str = "mp4", **changes: Any
) -> SourceFacts:
    duration = video.duration if video else audio.duration if audio else Fraction(0)
    source = SourceFacts(
        sha256="0" * 64,
        size=1000,
        family=family,
        kind="video" if video else "audio",
        duration=duration,
        video=video,
        audio=audio,
    )
    return replace(source, **changes)


def a_track(
    name: str = "v720", *, sizes: tuple[int, ...] = (1000, 2000, 1500), ticks: int = 4000, **changes: Any
) -> Track:
    segments = tuple(
        Segment(number=number, uri=f"{number}.m4s", start=number * ticks, ticks=ticks, size=size)
        for number, size in enumerate(sizes)
    )
    track = Track(
        name=name,
        kind="video",
        uri=f"{name}/index.m3u8",
        init_uri="init.mp4",
        timescale=1000,
        codecs="avc1.64001f",
        segments=segments,
        width=1280,
        height=720,
        frame_rate=Fraction(30000, 1001),
    )
    return replace(track, **changes)


def an_audio_track(**changes: Any) -> Track:
    base = {"kind": "audio", "codecs": "mp4a.40.2", "channels": 2, "sample_rate": 48_000, "sizes": (500, 500, 500)}
    return a_track("audio", **{**base, **changes})


def box(kind: str, *content: bytes) -> bytes:
    body = b"".join(content)
    return struct.pack(">I4s", 8 + len(body), kind.encode()) + body


def an_init(*, timescale: int = 30, entry: bytes = b"") -> bytes:
    """ftyp+moov of one track, with a default duration of one tick and non-sync samples."""
    mdhd = box("mdhd", struct.pack(">IIIIII", 0, 0, 0, timescale, 0, 0))
    stsd = box("stsd", struct.pack(">II", 0, 1), entry)
    trak = box("trak", box("mdia", mdhd, box("minf", box("stbl", stsd))))
    trex = box("trex", struct.pack(">IIIIII", 0, 1, 1, 1, 0, 0x10000))
    return box("ftyp", b"cmf2", bytes(4)) + box("moov", trak, box("mvex", trex))


def a_fragment(*, at: int, samples: int, sync: bool = True, durations: tuple[int, ...] = ()) -> bytes:
    """moof+mdat. Without `durations` every sample takes the track's default of one tick."""
    tfhd = box("tfhd", struct.pack(">II", 0, 1))
    tfdt = box("tfdt", struct.pack(">IQ", 1 << 24, at))
    flags = 0x4 | (0x100 if durations else 0)
    head = struct.pack(">III", flags, samples, 0x2000000 if sync else 0x10000)
    trun = box("trun", head, *[struct.pack(">I", ticks) for ticks in durations])
    return box("moof", box("traf", tfhd, tfdt, trun)) + box("mdat", bytes(samples))
