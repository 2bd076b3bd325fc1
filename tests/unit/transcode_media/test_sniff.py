"""Families by their first bytes, and how far ffmpeg is, by its own words."""

import pytest

from services.transcode.media.errors import BadMedia
from services.transcode.worker.ffmpeg import Progress, ProgressReader
from services.transcode.worker.sniff import sniff

HEADS = {
    "mp4": b"\x00\x00\x00\x20ftypisom",
    "mov": b"\x00\x00\x00\x14ftypqt  ",
    "avif": b"\x00\x00\x00\x20ftypavif",
    "matroska": b"\x1a\x45\xdf\xa3\xa3\x42\x82\x88matroska",
    "webm": b"\x1a\x45\xdf\xa3\x9f\x42\x82\x84webm",
    "avi": b"RIFF\x00\x10\x00\x00AVI LIST",
    "wav": b"RIFF\x00\x10\x00\x00WAVEfmt ",
    "webp": b"RIFF\x00\x10\x00\x00WEBPVP8 ",
    "mpegts": (b"\x47" + bytes(187)) * 4,
    "ogg": b"OggS\x00\x02",
    "flac": b"fLaC\x00",
    "flv": b"FLV\x01\x05",
    "mp3": b"\xff\xfb\x90\x64",
    "aac": b"\xff\xf1\x50\x80",
    "png": b"\x89PNG\r\n\x1a\n",
    "jpeg": b"\xff\xd8\xff\xe0",
    "gif": b"GIF89a",
}


@pytest.mark.parametrize("family", HEADS)
def test_families_are_known_by_their_first_bytes(family: str) -> None:
    assert sniff(HEADS[family] + bytes(64), "upload") == family


@pytest.mark.parametrize("name", ["a.mov", "a.MP4", "a.3gp", "a.m4v", "a.xyz", "mp4", ""])
def test_mp4_and_mov_are_one_group(name: str) -> None:
    assert sniff(HEADS["mp4"], name) == "mp4"


@pytest.mark.parametrize("name", ["a.mkv", "a.jpg", "a.mp3", "a.b.avi"])
def test_another_familys_name_is_a_mismatch(name: str) -> None:
    with pytest.raises(BadMedia) as refused:
        sniff(HEADS["mp4"], name)
    assert refused.value.reason == "type_mismatch"


@pytest.mark.parametrize(
    ("head", "said"),
    [
        (b"ffconcat version 1.0\n", "ffconcat"),
        (b"\xef\xbb\xbf#EXTM3U\n", "HLS"),
        (b"\n<html>", "HTML"),
        (b"1\n00:00:01,000 --> 00:00:02,000\n", "subtitles"),
        (b"hello", "text"),
        (b"\x00\x01\x02\x03", "no known"),
        (b"\x00\x00\x00\x20ftypheic", "no known"),
    ],
)
def test_the_refusal_says_what_it_looks_like(head: bytes, said: str) -> None:
    with pytest.raises(BadMedia) as refused:
        sniff(head, "a.mp4")
    assert refused.value.reason == "not_media"
    assert said in refused.value.message


def test_progress_is_put_together_from_pieces() -> None:
    heard: list[Progress] = []
    reader = ProgressReader(heard.append)
    for piece in (
        b"frame=12\nout_ti",
        b"me_us=480000\nspeed=1.5x\nprogress=continue\nframe=",
        b"13\nspeed=N/A\nprogress=end\n",
    ):
        reader.feed(piece)
    assert heard == [Progress(frame=12, seconds=0.48, speed=1.5), Progress(frame=13, seconds=0.0, speed=0.0)]
