"""One go over a source by a preset's own settings: what its chunks are held against, whatever the codec."""

from __future__ import annotations

import asyncio
import subprocess
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import httpx2
import imageio_ffmpeg

from bench.transcode.quality import fetched
from local.demo_player import TIMEOUT, got
from services.transcode.media.argv import chunk_argv, output_name
from services.transcode.media.plan import plan
from services.transcode.scheduler.shipped import shipped
from services.transcode.worker.probe import probe
from services.transcode.worker.sandbox import Limits

if TYPE_CHECKING:
    from reelmesh_client import Client

PRESETS = ("hls-hevc", "hls-av1", "webm-vp9")
_LIMITS = Limits(deadline=60, cpu=60)


async def in_one_go(source: Path, folder: Path, preset: str) -> tuple[int, dict[int, Path]]:
    """How many chunks the mesh makes of it; and each rung by its height, made as if they were one."""
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        facts = await probe(source, source.name, scratch=Path(scratch), limits=_LIMITS)
    planned = plan(facts, next(each for each in shipped() if each.name == preset))
    first, last = planned.chunks[0], planned.chunks[-1]
    whole = replace(first, end_frame=None, frames=last.start_frame + last.frames, hold=last.hold)
    argv = chunk_argv(whole, ffmpeg=Path(imageio_ffmpeg.get_ffmpeg_exe()), source=source, scratch=folder, threads=1)
    await asyncio.to_thread(subprocess.run, argv, check=True, capture_output=True)
    return len(planned.chunks), {rung.height: folder / output_name(rung) for rung in planned.rungs}


def made(client: Client, asset_id: str, folder: Path) -> dict[int, Path]:
    """Every rung of the mesh's own, by its height, as a player or a browser gets it."""
    playback = client.playback(asset_id)
    if playback.hls_url:
        return fetched(playback.hls_url, folder)
    [file] = [each for each in playback.raw["outputs"] if each["kind"] == "file"]
    path = folder / file["name"]
    with httpx2.Client(follow_redirects=True, timeout=TIMEOUT, trust_env=False) as http, got(http, file["url"]) as body:
        path.write_bytes(body.read())
    return {file["height"]: path}
