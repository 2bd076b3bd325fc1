"""Small files that claim to be huge are refused at once, with a reason."""

import asyncio
import struct
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from services.transcode.media.errors import BadMedia
from tests.clips import Clips
from tests.integration.transcode_media.crafted import body_of, box, matroska, png, rebuilt, transport_stream, webp
from tests.integration.transcode_media.stream import facts_of

WITHIN = 2.0
MILLIONS = 300_000_000


def plain(clips: Clips) -> bytes:
    return clips.barcoded("a.mp4", frames=30, audio=None).read_bytes()


def in_table(kind: str, content: bytes) -> Callable[[Clips], bytes]:
    def make(clips: Clips) -> bytes:
        return rebuilt(plain(clips), f"moov/trak/mdia/minf/stbl/{kind}", box(kind.encode(), content))

    return make


def wide(clips: Clips) -> bytes:
    """Raw pictures: only their description says how large they are."""
    raw = clips.made("raw.mov", "-f", "lavfi", "-i", "color=s=64x64:d=0.2", "-c:v", "rawvideo", "-pix_fmt", "rgb24")
    data = raw.read_bytes()
    stsd = bytearray(body_of(data, "moov/trak/mdia/minf/stbl/stsd"))
    struct.pack_into(">HH", stsd, 8 + 8 + 24, 65_000, 65_000)
    return rebuilt(data, "moov/trak/mdia/minf/stbl/stsd", box(b"stsd", bytes(stsd)))


def many_tracks(clips: Clips) -> bytes:
    data = plain(clips)
    track = box(b"trak", body_of(data, "moov/trak"))
    return rebuilt(data, "moov/trak", track * 3000)


def long_header(clips: Clips) -> bytes:
    data = plain(clips)
    mvhd = bytearray(body_of(data, "moov/mvhd"))
    struct.pack_into(">II", mvhd, 12, 1, 1_000_000_000)
    return rebuilt(data, "moov/mvhd", box(b"mvhd", bytes(mvhd)))


def long_run(clips: Clips) -> bytes:
    """A fragment that claims samples which take no bytes to list."""
    data = clips.barcoded("f.mp4", frames=30, audio=None, output=("-movflags", "+empty_moov")).read_bytes()
    tail = box(
        b"moof",
        box(b"mfhd", struct.pack(">II", 0, 99)),
        box(
            b"traf",
            box(b"tfhd", struct.pack(">III", 0x20018, 1, 1), struct.pack(">I", 1)),
            box(b"trun", struct.pack(">II", 0, MILLIONS)),
        ),
    )
    end = data.rindex(b"mfra") - 4 if b"mfra" in data else len(data)
    return data[:end] + tail + box(b"mdat", bytes(100))


def slow(clips: Clips, name: str, seconds: int) -> bytes:
    """Three pictures, so many seconds apart."""
    times = ("-fps_mode", "passthrough", "-enc_time_base", "1:1000")
    return clips.barcoded(name, frames=3, filters=f"setpts=N*{seconds}/TB", audio=None, output=times).read_bytes()


BOMBS: dict[str, tuple[str, set[str], Callable[[Clips], bytes]]] = {
    "png": ("a.png", {"too_large"}, lambda _: png(60_000, 60_000)),
    "webp": ("a.webp", {"too_large"}, lambda _: webp(16_383, 16_383)),
    "mov of huge pictures": ("a.mov", {"too_large"}, wide),
    "mkv of many streams": ("a.mkv", {"too_large"}, lambda _: matroska(20_000)),
    "mp4 of many streams": ("a.mp4", {"too_large"}, many_tracks),
    "ts of many streams": ("a.ts", {"too_large"}, lambda _: transport_stream(33)),
    "mp4 that claims a billion seconds": ("a.mp4", {"too_long"}, long_header),
    "mp4 of frames that stay for a month": (
        "a.mp4",
        {"too_long"},
        in_table("stts", struct.pack(">IIII", 0, 1, 30, 2**31 - 1)),
    ),
    "mkv of a picture that stays for a month": ("a.mkv", {"too_long"}, lambda clips: slow(clips, "a.mkv", 2_600_000)),
    "ts of a picture that stays for hours": ("a.ts", {"too_long"}, lambda clips: slow(clips, "a.ts", 24_000)),
    "mp4 of millions of empty samples": ("a.mp4", {"corrupt"}, in_table("stsz", struct.pack(">III", 0, 1, MILLIONS))),
    "fragment of millions of samples": ("a.mp4", {"corrupt", "too_large", "too_long"}, long_run),
}


DUDS: dict[str, Callable[[Clips], bytes]] = {
    "millions of times": in_table(
        "stts", struct.pack(">IIII", 0, 100_001, 30, 512) + struct.pack(">II", MILLIONS, 512) * 100_000
    ),
    "millions of samples in a chunk": in_table("stsc", struct.pack(">IIIII", 0, 1, 1, MILLIONS, 1)),
}


@pytest.mark.parametrize("kind", DUDS)
async def test_claims_of_samples_that_there_are_not_do_no_harm(kind: str, clips: Clips, scratch: Path) -> None:
    path = clips.written("dud.mp4", DUDS[kind](clips))
    started = time.monotonic()
    video = (await facts_of(path, scratch)).video
    assert time.monotonic() - started < WITHIN
    assert video is not None
    assert video.frames == 30


@pytest.mark.parametrize("kind", BOMBS)
async def test_a_bomb_is_refused_at_once(kind: str, clips: Clips, scratch: Path) -> None:
    name, reasons, make = BOMBS[kind]
    path = clips.written(name, make(clips))
    started = time.monotonic()
    with pytest.raises(BadMedia) as refused:
        async with asyncio.timeout(WITHIN * 5):
            await facts_of(path, scratch, name=name)
    took = time.monotonic() - started
    assert refused.value.reason in reasons, refused.value.message
    assert took < WITHIN, took
