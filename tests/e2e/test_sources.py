"""What people have, all the way: the stream that a player gets has the source's frames, time and sound."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from local.demo_player import play
from tests.clips import beeps, pictures, real_clip
from tests.clips.library import AAC, X264
from tests.e2e.journey import sent, wrong_with_stream

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from reelmesh_client import Client

    from tests.clips import Clips

FRAMES = 75
MPEG4 = ("-c:v", "mpeg4", "-q:v", "4", "-bf", "2", "-g", "25")
VARIABLE = r"select=not(eq(mod(n\,7)\,3)),setpts=PTS"

SOURCES: dict[str, Callable[[Clips], Path]] = {
    "mp4, index at the end": lambda clips: clips.barcoded("a.mp4", frames=FRAMES),
    "mp4, index in front": lambda clips: clips.barcoded("b.mp4", frames=FRAMES, output=("-movflags", "+faststart")),
    "mov": lambda clips: clips.barcoded("c.mov", frames=FRAMES),
    "mkv, 5.1": lambda clips: clips.barcoded("d.mkv", frames=FRAMES, audio=("-c:a", "ac3"), channels=6),
    "avi, MPEG-4 ASP and MP3": lambda clips: clips.barcoded(
        "e.avi", frames=FRAMES, video=MPEG4, audio=("-c:a", "libmp3lame")
    ),
    "avi, MPEG-4 ASP and AC-3": lambda clips: clips.barcoded(
        "f.avi", frames=FRAMES, rate="25", video=MPEG4, audio=("-c:a", "ac3")
    ),
    "no audio": lambda clips: clips.barcoded("g.mp4", frames=FRAMES, audio=None),
    "audio stream first": lambda clips: clips.barcoded(
        "h.mp4", frames=FRAMES, maps=("-map", "1:a", "-map", "0:v"), audio=AAC
    ),
    "odd size": lambda clips: clips.barcoded(
        "i.mkv", frames=FRAMES, size=(161, 91), video=("-c:v", "ffv1", "-pix_fmt", "yuv444p")
    ),
    "pixels not square": lambda clips: clips.barcoded("j.mp4", frames=FRAMES, size=(180, 144), filters="setsar=64/45"),
    "10 frames a second": lambda clips: clips.barcoded("k.mp4", frames=FRAMES, rate="10"),
    "59.94 frames a second": lambda clips: clips.barcoded("l.mp4", frames=2 * FRAMES, rate="60000/1001"),
    "23.976 frames a second": lambda clips: clips.barcoded("m.mkv", frames=FRAMES, rate="24000/1001"),
    "variable frame rate": lambda clips: clips.barcoded(
        "n.mkv", frames=2 * FRAMES, filters=VARIABLE, video=X264, output=("-fps_mode", "vfr")
    ),
    "transport stream": lambda clips: clips.barcoded("o.ts", frames=FRAMES),
    "several chunks": lambda clips: clips.barcoded("p.mp4", frames=600, size=(640, 360)),
    "a real one with sound": lambda _: real_clip("bigbuckbunny"),
    "a real one without": lambda _: real_clip("bikes"),
}


@pytest.mark.parametrize("kind", SOURCES)
async def test_a_source_becomes_a_stream_that_is_right(kind: str, client: Client, clips: Clips) -> None:
    file = SOURCES[kind](clips)
    asset = await sent(client, file)
    assert asset.state == "ready", asset.error
    assert await wrong_with_stream(client, asset, file) == []


async def test_a_turned_phone_video_comes_upright(client: Client, clips: Clips) -> None:
    straight = clips.barcoded("straight.mp4", frames=FRAMES)
    turned = clips.made("turned.mp4", "-display_rotation", "90", "-i", str(straight), "-c", "copy")
    asset = await sent(client, turned)
    assert asset.media is not None
    assert (asset.media.width, asset.media.height) == (180, 320)
    assert await wrong_with_stream(client, asset, turned) == []


async def test_sound_and_pictures_stay_together(client: Client, clips: Clips, tmp_path: Path) -> None:
    """Each second of the source begins with a flash and a beep; a player has them within 20 ms of each other."""
    asset = await sent(client, clips.barcoded("together.mp4", frames=150))
    url = client.playback(asset.id).hls_url
    assert url
    played = await asyncio.to_thread(play, url, tmp_path)
    assert played.audio
    flashes = [float(picture.time) for picture in pictures(played.video) if picture.flash]
    heard = beeps(played.audio)
    # The first beep gives way to the decoder's priming.
    assert len(flashes) == 5
    assert all(min(abs(flash - beep) for beep in heard) <= 0.02 for flash in flashes[1:]), (flashes, heard)
