"""One hand-tuned ffmpeg process that makes the same outputs as the mesh: the yardstick.

As loud as the mesh makes it, the sound was measured before by a process of its own, which counts.
"""

from __future__ import annotations

import resource
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import imageio_ffmpeg

from services.transcode.media.loudness import gain, read_loudness
from services.transcode.media.preset import PresetAudio
from services.transcode.scheduler.shipped import shipped

HLS = next(preset for preset in shipped() if preset.name == "hls")
(VIDEO,) = HLS.video
AUDIO = HLS.audio or PresetAudio()
GOP = 120
"""Frames: four seconds at 30 a second, as in the preset."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """Seconds."""

    wall: float
    cpu: float


def command(source: Path, folder: Path, louder: float) -> list[str]:
    """A scale cascade, the encoder's own threads on every core; audio, a poster and a storyboard beside it.

    The sound comes out `louder` dB louder than it is.
    """
    heights = [rung.short_side for rung in VIDEO.rungs]
    graph = "[0:v]split=4[v0][t0][p][s];[p]select=eq(n\\,30)[poster];[s]fps=1/2,scale=160:-2,tile=10x10[sheet];"
    for index, height in enumerate(heights[1:], 1):
        scaled = f"[t{index - 1}]scale=-2:{height}:flags=bicubic"
        graph += f"{scaled}[v{index}]" if index == len(heights) - 1 else f"{scaled},split=2[v{index}][t{index}];"
    argv = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-nostdin", "-y", "-i", str(source)]
    argv += ["-filter_complex", graph]
    for index, rung in enumerate(VIDEO.rungs):
        argv += ["-map", f"[v{index}]", "-c:v", "libx264", "-preset", VIDEO.speed, "-profile:v", "high"]
        argv += ["-crf", str(VIDEO.crf), "-maxrate", str(rung.maxrate), "-bufsize", str(2 * rung.maxrate)]
        argv += ["-pix_fmt", "yuv420p", "-g", str(GOP), "-keyint_min", str(GOP), "-sc_threshold", "0"]
        argv += ["-movflags", "+cmaf+frag_keyframe+empty_moov", "-f", "mp4", str(folder / f"v{rung.short_side}.mp4")]
    argv += ["-map", "0:a", "-c:a", "aac", "-b:a", str(AUDIO.bit_rate), "-ac", "2", "-ar", "48000"]
    argv += ["-af", f"volume={louder:.2f}dB"]
    argv += ["-frag_duration", "4000000", "-movflags", "+cmaf+empty_moov", "-f", "mp4", str(folder / "audio.mp4")]
    for still in ("poster", "sheet"):
        argv += ["-map", f"[{still}]", "-frames:v", "1", "-update", "1", str(folder / f"{still}.jpg")]
    return argv


def run(source: Path, folder: Path | None = None) -> Cost:
    """Encode once; the outputs stay in `folder` when it is given."""
    with tempfile.TemporaryDirectory() as temporary:
        began, used = time.monotonic(), _children()
        argv = [imageio_ffmpeg.get_ffmpeg_exe(), "-nostdin", "-nostats", "-i", str(source), "-map", "0:a"]
        argv += ["-af", "ebur128=peak=true:framelog=quiet", "-f", "null", "-"]
        measured = read_loudness(subprocess.run(argv, check=True, capture_output=True, text=True).stderr)
        louder = gain(measured, float(AUDIO.loudness or 0))
        subprocess.run(command(source, folder or Path(temporary), louder), check=True)
        return Cost(wall=time.monotonic() - began, cpu=_children() - used)


def _children() -> float:
    """CPU seconds of all processes that this one waited for."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
