"""Files that name other files and other machines: nothing of it is opened, nobody is called."""

import asyncio
import subprocess
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from services.transcode.media.argv import chunk_argv
from services.transcode.media.errors import BadMedia, EncodeFailed
from services.transcode.media.plan import VideoChunk, plan
from services.transcode.worker.blocks import Blocks
from services.transcode.worker.ffmpeg import find_ffmpeg, run_ffmpeg
from services.transcode.worker.range_server import serving
from tests.clips import Clips
from tests.integration.transcode_media.canary import Canary, canary_of
from tests.integration.transcode_media.crafted import alias_entry, url_entry, with_reference
from tests.integration.transcode_media.stream import LIMITS, TINY, facts_of

if TYPE_CHECKING:
    from services.transcode.media.source import Source

NAMES = ("upload.mp4", "upload.mkv", "upload.ts")
DEMUXERS = ("mp4", "matroska", "mpegts")

SCRIPTS: dict[str, Callable[[Canary], str]] = {
    "ffconcat": lambda of: f"ffconcat version 1.0\nfile {of.path}\nfile http://127.0.0.1:{of.port}/a.mp4\n",
    "hls": lambda of: (
        "#EXTM3U\n#EXT-X-TARGETDURATION:4\n"
        f'#EXT-X-MAP:URI="file://{of.path}"\n#EXT-X-KEY:METHOD=AES-128,URI="http://127.0.0.1:{of.port}/key"\n'
        f"#EXTINF:4,\nhttp://127.0.0.1:{of.port}/a.ts\n#EXTINF:4,\n{of.path}\n#EXT-X-ENDLIST\n"
    ),
    "dash": lambda of: (
        '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static"><Period><AdaptationSet>'
        f'<Representation id="1" bandwidth="1"><BaseURL>http://127.0.0.1:{of.port}/</BaseURL><SegmentList>'
        f'<Initialization sourceURL="file://{of.path}"/><SegmentURL media="file://{of.path}"/></SegmentList>'
        "</Representation></AdaptationSet></Period></MPD>"
    ),
    "sdp": lambda of: (
        f"v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video {of.port} RTP/AVP 96\n"
        f"a=control:rtsp://127.0.0.1:{of.port}/\na=rtpmap:96 H264/90000\n"
    ),
    "ass": lambda of: (
        f"[Script Info]\nVideo File: {of.path}\nAudio URI: http://127.0.0.1:{of.port}/\n[Events]\n"
        f"Dialogue: 0,0:00:00.00,0:00:01.00,Default,,0,0,0,,{{\\fn{of.path}}}x\n"
    ),
    "srt": lambda of: f'1\n00:00:00,000 --> 00:00:01,000\n<font face="{of.path}">x</font>\n',
    "sami": lambda of: f'<SAMI><BODY><SYNC Start=0><P><img src="http://127.0.0.1:{of.port}/{of.path}"></SAMI>',
    "svg": lambda of: (
        '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink">'
        f'<image xlink:href="file://{of.path}"/><image xlink:href="http://127.0.0.1:{of.port}/"/></svg>'
    ),
    "a name for the concat protocol": lambda of: f"concat:{of.path}|{of.path}",
    "a name of data": lambda of: "data:video/mp4;base64,AAAA",
}
REFERENCES: dict[str, Callable[[Canary], bytes]] = {
    "a file": lambda of: url_entry(f"file://{of.path}"),
    "a path": lambda of: url_entry(str(of.path)),
    "a neighbour": lambda of: url_entry(of.path.name),
    "a machine": lambda of: url_entry(f"http://127.0.0.1:{of.port}/a.mp4"),
    "an alias": lambda of: alias_entry(of.path),
}


@pytest.fixture
async def canary(tmp_path: Path) -> AsyncIterator[Canary]:
    path = tmp_path / "canary.mp4"
    quiet = ("-v", "error", "-f", "lavfi", "-i", "color=red:s=64x64:d=1")
    await asyncio.to_thread(subprocess.run, [str(find_ffmpeg()), *quiet, str(path)], check=True)
    async with canary_of(path) as watched:
        yield watched
        assert not watched.opened
        assert watched.calls == []


@pytest.fixture(scope="module")
async def chunk(clips: Clips, tmp_path_factory: pytest.TempPathFactory) -> VideoChunk:
    source = clips.barcoded("a.mp4", frames=30, audio=None)
    return plan(await facts_of(source, tmp_path_factory.mktemp("scratch")), TINY).chunks[0]


def named(family: str, chunk: VideoChunk) -> VideoChunk:
    return VideoChunk.from_json({**chunk.to_json(), "family": family})


async def encoded_anyway(chunk: VideoChunk, source: Path, scratch: Path) -> None:
    """As if the probe had let it pass, as a file and on loopback, where ffmpeg may speak HTTP."""
    content = await asyncio.to_thread(source.read_bytes)

    async def fetch(start: int, size: int) -> bytes:
        return content[start : start + size]

    async with serving(Blocks(len(content), fetch, keep=0), lambda *_: None) as served:
        places: tuple[Source, ...] = (source, served.source)
        for family, where in product(DEMUXERS, places):
            argv = chunk_argv(named(family, chunk), ffmpeg=find_ffmpeg(), source=where, scratch=scratch, threads=1)
            with suppress(EncodeFailed, BadMedia):
                await run_ffmpeg(argv, sources=[where], scratch=scratch, limits=LIMITS, on_progress=lambda _: None)


@pytest.mark.parametrize("kind", SCRIPTS)
async def test_a_script_opens_nothing_whatever_its_name(
    kind: str, canary: Canary, chunk: VideoChunk, clips: Clips, scratch: Path
) -> None:
    content = SCRIPTS[kind](canary).encode()
    sources = [clips.written(name, content) for name in NAMES]
    for source in sources:
        with pytest.raises(BadMedia) as refused:
            await facts_of(source, scratch)
        assert refused.value.reason == "not_media"
    await encoded_anyway(chunk, sources[0], scratch)


@pytest.mark.parametrize("kind", REFERENCES)
async def test_a_movie_whose_samples_lie_elsewhere_opens_nothing(
    kind: str, canary: Canary, chunk: VideoChunk, clips: Clips, scratch: Path
) -> None:
    bent = with_reference(clips.barcoded("a.mp4", frames=30, audio=None).read_bytes(), REFERENCES[kind](canary))
    source = clips.written("upload.mp4", bent)
    # Taken or refused: what matters is that nobody looked.
    with suppress(BadMedia):
        await facts_of(source, scratch)
    await encoded_anyway(chunk, source, scratch)


async def test_an_attachment_is_left_alone(canary: Canary, clips: Clips, scratch: Path) -> None:
    plain = clips.barcoded("a.mkv", frames=30)
    script = clips.written("a.ass", SCRIPTS["ass"](canary).encode())
    attached = ("-attach", str(script), "-metadata:s:t", "mimetype=text/x-ass")
    source = clips.made("attached.mkv", "-i", str(plain), "-i", str(script), "-map", "0", "-map", "1", *attached)
    facts = await facts_of(source, scratch)
    assert facts.video is not None
    assert facts.video.frames == 30


@pytest.mark.parametrize("name", ["concat:{}|{}", "data:,{}", "http://127.0.0.1/{}", "%03d.png", "-i", "../../{}.mp4"])
async def test_a_name_is_only_a_name(name: str, canary: Canary, clips: Clips, scratch: Path) -> None:
    source = clips.barcoded("a.mp4", frames=30)
    with suppress(BadMedia):
        await facts_of(source, scratch, name=name.format(canary.path, canary.path))


async def test_outside_of_the_sandbox_such_a_script_does_open_its_neighbours(clips: Clips, tmp_path: Path) -> None:
    """That the canaries sing when they should."""
    path = clips.barcoded("canary.mp4", frames=30)
    async with canary_of(path) as canary:
        script = clips.written("upload.mp4", SCRIPTS["ffconcat"](canary).encode())
        ffmpeg = await asyncio.create_subprocess_exec(
            *[str(find_ffmpeg()), "-v", "quiet", "-nostdin", "-safe", "0", "-protocol_whitelist", "file,http,tcp"],
            *["-i", str(script), "-f", "null", "-"],
        )
        await ffmpeg.wait()
        assert canary.opened
        assert canary.calls
