"""A clip made on the spot, for a demo without a video."""

import subprocess
import uuid
from pathlib import Path

from local.errors import StartError
from local.process import Program, leashed, plain_env
from local.wheels import ffmpeg

WIDTH, HEIGHT = 1280, 720
RATE = 30
SECONDS = 20


def make_clip(path: Path) -> Path:
    """A test picture that moves, and a tone: H.264 and AAC in MP4. No two are the same file, so each is work."""
    argv = [str(ffmpeg()), "-nostdin", "-hide_banner", "-loglevel", "error", "-y"]
    argv += ["-f", "lavfi", "-i", f"testsrc2=size={WIDTH}x{HEIGHT}:rate={RATE}:duration={SECONDS}"]
    argv += ["-f", "lavfi", "-i", f"sine=frequency=440:sample_rate=48000:duration={SECONDS}"]
    argv += ["-c:v", "libx264", "-preset", "veryfast", "-pix_fmt", "yuv420p", "-c:a", "aac", "-b:a", "128k"]
    argv += ["-metadata", f"comment={uuid.uuid4()}", str(path.absolute())]
    program = Program(name="clip", argv=tuple(argv), env=plain_env(), cwd=path.parent)
    run = subprocess.run(
        leashed(program),
        env=dict(program.env),
        cwd=program.cwd,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    if run.returncode:
        raise StartError(f"ffmpeg cannot make the demo's clip: {run.stderr.strip()}")
    return path
