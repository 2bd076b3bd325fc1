"""How good a stream is, frame by frame against its source: VMAF, PSNR and bytes."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

import av
import httpx2
import imageio_ffmpeg

from local.demo_player import TIMEOUT, joined, media_playlist, text, variants


@dataclass(frozen=True, slots=True, kw_only=True)
class Quality:
    """Means over all frames; `psnr` of the luma in dB; `size` of the pictures in bytes, without any container."""

    vmaf: float
    psnr: float
    size: int
    frames: int


def fetched(hls_url: str, folder: Path) -> dict[int, Path]:
    """Every rung of a stream as a file, by its height."""
    with httpx2.Client(follow_redirects=True, timeout=TIMEOUT, trust_env=False) as http:
        return {
            each.height: joined(http, media_playlist(*text(http, each.url)), folder / f"{each.height}.mp4")
            for each in variants(*text(http, hls_url))
        }


def measured(made: Path, source: Path, folder: Path) -> Quality:
    """Frame n of a stream is held against frame n of the source, at the stream's size."""
    width, height, size = _weighed(made)
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        log = Path(scratch) / "vmaf.json"
        graph = (
            f"[0:v]settb=1/30,setpts=N[made];"
            f"[1:v]settb=1/30,setpts=N,scale={width}:{height}:flags=bicubic,format=yuv420p[source];"
            f"[made][source]libvmaf=feature=name=psnr:log_fmt=json:log_path={log.name}:n_threads={os.cpu_count()}"
        )
        inputs = ["-i", str(made.resolve()), "-i", str(source.resolve())]
        argv = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-nostdin", *inputs, "-filter_complex", graph]
        subprocess.run([*argv, "-f", "null", "-"], check=True, cwd=scratch)
        said = json.loads(log.read_text())
    pooled = said["pooled_metrics"]
    return Quality(
        vmaf=pooled["vmaf"]["mean"],
        psnr=pooled["psnr_y"]["mean"],
        size=size,
        frames=len(said["frames"]),
    )


def _weighed(made: Path) -> tuple[int, int, int]:
    """Width and height in pixels, and bytes."""
    with av.open(made) as container:
        video = container.streams.video[0]
        return video.width, video.height, sum(packet.size for packet in container.demux(video))
