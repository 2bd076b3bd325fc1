"""What is refused, and with which reason: a client branches on it."""

import struct
import zlib
from pathlib import Path

import pytest

from services.transcode.media.errors import BadMedia
from tests.clips import Clips
from tests.clips.library import X264
from tests.integration.transcode_media.stream import facts_of

TEXTS = {
    "plain text": b"hello, this is no video\n" * 20,
    "html": b"<!DOCTYPE html><html><body>404</body></html>",
    "ffconcat": b"ffconcat version 1.0\nfile /etc/passwd\n",
    "hls playlist": b"#EXTM3U\n#EXT-X-TARGETDURATION:4\nfile:///etc/passwd\n",
    "sdp": b"v=0\no=- 0 0 IN IP4 127.0.0.1\nm=video 5004 RTP/AVP 96\n",
    "subtitles": b"1\n00:00:01,000 --> 00:00:02,000\nhi\n",
    "zip": b"PK\x03\x04" + bytes(100),
    "pdf": b"%PDF-1.7\n" + bytes(100),
    "zeroes": bytes(100_000),
}


async def refusal(path: Path, scratch: Path, *, name: str = "upload.mp4") -> str:
    with pytest.raises(BadMedia) as refused:
        await facts_of(path, scratch, name=name)
    return refused.value.reason


@pytest.mark.parametrize("kind", TEXTS)
async def test_what_is_not_media_is_refused_whatever_its_name(kind: str, clips: Clips, scratch: Path) -> None:
    assert await refusal(clips.written("upload.mp4", TEXTS[kind]), scratch) == "not_media"


async def test_an_empty_file_is_refused(clips: Clips, scratch: Path) -> None:
    assert await refusal(clips.written("upload.mp4", b""), scratch) == "empty_file"


async def test_a_name_that_claims_another_family_is_refused(clips: Clips, scratch: Path) -> None:
    source = clips.barcoded("a.mp4", frames=30)
    assert await refusal(source, scratch, name="holiday.mkv") == "type_mismatch"
    assert await refusal(source, scratch, name="holiday.PNG") == "type_mismatch"


@pytest.mark.parametrize("name", ["holiday.mov", "holiday.M4V", "holiday", "holiday.upload", "holiday.v2"])
async def test_a_name_of_the_same_family_or_none_is_taken(name: str, clips: Clips, scratch: Path) -> None:
    assert (await facts_of(clips.barcoded("a.mp4", frames=30), scratch, name=name)).family == "mp4"


@pytest.mark.parametrize(
    ("name", "output", "kept"),
    [
        ("front.mp4", ("-movflags", "+faststart"), 0.7),
        ("front.mp4", ("-movflags", "+faststart"), 0.99),
        ("end.mp4", (), 0.7),
        ("pieces.mp4", ("-movflags", "+frag_keyframe+empty_moov"), 0.7),
        ("a.mov", (), 0.9),
        ("a.mkv", (), 0.7),
        ("a.webm", ("-c:v", "libvpx", "-deadline", "realtime", "-c:a", "libopus"), 0.7),
        ("a.avi", ("-c:v", "mpeg4", "-c:a", "mp3"), 0.7),
    ],
)
async def test_a_file_cut_short_is_corrupt(
    name: str, output: tuple[str, ...], kept: float, clips: Clips, scratch: Path
) -> None:
    whole = clips.barcoded(name, frames=150, output=output).read_bytes()
    cut = clips.written(f"cut-{name}", whole[: int(len(whole) * kept)])
    assert await refusal(cut, scratch, name=name) == "corrupt"


async def test_a_header_that_promises_more_than_came_is_corrupt(clips: Clips, scratch: Path) -> None:
    whole = clips.barcoded("a.mkv", frames=300).read_bytes()
    segment = whole.index(b"\x18\x53\x80\x67") + 4
    unknown_size = whole[:segment] + b"\x01" + b"\xff" * 7 + whole[segment + 8 : int(len(whole) * 0.5)]
    assert await refusal(clips.written("cut.mkv", unknown_size), scratch, name="cut.mkv") == "corrupt"


async def test_a_transport_stream_may_stop_anywhere(clips: Clips, scratch: Path) -> None:
    whole = clips.barcoded("a.ts", frames=150).read_bytes()
    cut = clips.written("cut.ts", whole[: int(len(whole) * 0.7)])
    video = (await facts_of(cut, scratch)).video
    assert video is not None
    assert 90 < video.frames < 150


async def test_pictures_that_do_not_decode_are_corrupt(clips: Clips, scratch: Path) -> None:
    whole = clips.barcoded("a.mp4", frames=30, audio=None).read_bytes()
    mdat = whole.index(b"mdat") + 4
    moov = whole.index(b"moov") - 4
    blank = whole[:mdat] + b"\x5a" * (moov - mdat) + whole[moov:]
    assert await refusal(clips.written("blank.mp4", blank), scratch) == "corrupt"


async def test_a_damaged_index_is_corrupt(clips: Clips, scratch: Path) -> None:
    whole = clips.barcoded("a.mp4", frames=30, audio=None).read_bytes()
    moov = whole.index(b"moov") + 4
    damaged = whole[:moov] + bytes(byte ^ 0x5A for byte in whole[moov:])
    assert await refusal(clips.written("damaged.mp4", damaged), scratch) == "corrupt"


async def test_a_codec_nobody_knows_is_unsupported(clips: Clips, scratch: Path) -> None:
    whole = clips.barcoded("a.mp4", frames=30, audio=None).read_bytes()
    renamed = whole.replace(b"avc1", b"zzz9").replace(b"avcC", b"zzzC")
    assert await refusal(clips.written("unknown.mp4", renamed), scratch) == "unsupported_codec"


async def test_a_picture_that_would_fill_the_memory_is_too_large(clips: Clips, scratch: Path) -> None:
    black = zlib.compress(bytes(16_001 * 1_000), 9)
    header = struct.pack(">IIBBBBB", 16_000, 16_000, 8, 0, 0, 0, 0)
    bomb = b"\x89PNG\r\n\x1a\n" + b"".join(_png(kind, body) for kind, body in [(b"IHDR", header), (b"IDAT", black)])
    assert await refusal(clips.written("bomb.png", bomb), scratch, name="bomb.png") == "too_large"


def _png(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


async def test_half_a_day_is_too_long(clips: Clips, scratch: Path) -> None:
    slow = "setpts=N*9000/TB"
    source = clips.barcoded(
        "a.mkv", frames=6, filters=slow, video=X264, audio=None, output=("-fps_mode", "passthrough")
    )
    assert await refusal(source, scratch, name="a.mkv") == "too_long"
