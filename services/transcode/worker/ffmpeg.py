"""Find ffmpeg, run it in the sandbox, and hear how far it is."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from services.transcode.media.errors import BadMedia, EncodeFailed
from services.transcode.media.source import Source
from services.transcode.worker import notes
from services.transcode.worker.measuring import ffmpeg_run
from services.transcode.worker.sandbox import Limits, SandboxTimeout, run_sandboxed

# ffmpeg ends so when most of what it was given could not be decoded (its -max_error_rate).
_TOO_MANY_DECODE_ERRORS = 69


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """`frame` frames of video and `seconds` of output are done; `speed` is a multiple of real time."""

    frame: int
    seconds: float
    speed: float


def find_ffmpeg(configured: str | None = None) -> Path:
    """The configured binary, else the one that comes with imageio-ffmpeg. Raises FileNotFoundError for neither."""
    path = Path(configured or _packaged()).resolve()
    if not path.is_file():
        raise FileNotFoundError(f"no ffmpeg at {path}")
    return path


def _packaged() -> str:
    try:
        # Images that bring their own ffmpeg go without this package.
        import imageio_ffmpeg  # noqa: PLC0415
    except ImportError as error:
        raise FileNotFoundError("no ffmpeg is configured, and imageio-ffmpeg is not installed") from error
    return str(imageio_ffmpeg.get_ffmpeg_exe())


async def run_ffmpeg(
    argv: Sequence[str],
    *,
    sources: Sequence[Source],
    scratch: Path,
    limits: Limits,
    on_progress: Callable[[Progress], None],
) -> str:
    """Run ffmpeg (its path is argv[0], with -progress pipe:1) over `sources`, writing into `scratch`: its last words.

    Raises BadMedia (`corrupt`) when the source cannot be decoded, EncodeFailed for every other end but success.
    """
    reader = ProgressReader(on_progress)
    notes.began(argv)
    with ffmpeg_run() as run:
        try:
            finished = await run_sandboxed(argv, sources=sources, scratch=scratch, limits=limits, on_output=reader.feed)
        except SandboxTimeout as error:
            run.outcome = "timeout"
            raise EncodeFailed(str(error)) from error
        notes.said(finished.stderr)
        run.outcome = _outcome(finished.code)
        if finished.code == _TOO_MANY_DECODE_ERRORS:
            raise BadMedia("corrupt", "most of the source could not be decoded")
        if finished.code:
            raise EncodeFailed(f"ffmpeg ended with {finished.code}: {finished.stderr}")
        return finished.stderr


def _outcome(code: int) -> str:
    if code == _TOO_MANY_DECODE_ERRORS:
        return "undecodable"
    # By a signal: a limit of the sandbox, or memory that was short.
    return "ok" if not code else "killed" if code < 0 else "failed"


class ProgressReader:
    """Puts `-progress` key=value lines together; a block ends with its `progress` line."""

    def __init__(self, on_progress: Callable[[Progress], None]) -> None:
        self._on_progress = on_progress
        self._rest = b""
        self._block: dict[str, str] = {}

    def feed(self, data: bytes) -> None:
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            key, _, value = line.decode("ascii", "replace").partition("=")
            self._block[key] = value.strip()
            if key == "progress":
                self._on_progress(_progress(self._block))
                self._block = {}


def _progress(block: dict[str, str]) -> Progress:
    # Before the first packet ffmpeg writes N/A.
    return Progress(
        frame=int(_number(block.get("frame"))),
        seconds=_number(block.get("out_time_us")) / 1_000_000,
        speed=_number(block.get("speed", "").removesuffix("x")),
    )


def _number(text: str | None) -> float:
    try:
        return float(text or 0)
    except ValueError:
        return 0.0
