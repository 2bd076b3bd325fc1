"""Can this machine run the mesh? Each check says what it found and what to do about it."""

import ctypes
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from local import wheels
from local.errors import LocalError
from local.ports import GRPC_OFFSET, pick
from local.process import Program, leashed
from local.users import unprivileged

GIB = 1024**3
FREE_DISK = 5 * GIB
FREE_MEMORY = int(1.5 * GIB)
LANDLOCK_CREATE_RULESET = 444
LANDLOCK_CREATE_RULESET_VERSION = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    name: str
    ok: bool
    detail: str
    remedy: str = ""


def diagnose(home: Path) -> list[Check]:
    return [
        python_version(),
        machine(),
        wheel("PostgreSQL", lambda: wheels.postgres_bin() / "postgres", "--version"),
        wheel("NATS", wheels.nats_server, "--version"),
        wheel("SeaweedFS", wheels.weed, "version"),
        wheel("ffmpeg", wheels.ffmpeg, "-version"),
        disk(home),
        memory(),
        writable(home),
        ports(),
        postgres_user(home),
        landlock(),
    ]


def python_version() -> Check:
    ok = sys.version_info >= (3, 11)
    return Check(
        name="Python", ok=ok, detail=platform.python_version(), remedy="" if ok else "use Python 3.11 or newer"
    )


def machine() -> Check:
    detail = f"{platform.system()} {platform.machine()}"
    ok = detail in {"Linux x86_64", "Linux aarch64"}
    return Check(
        name="Platform", ok=ok, detail=detail, remedy="" if ok else "use Linux on x86_64 or aarch64, or Docker"
    )


def wheel(name: str, find: Callable[[], Path], version: str) -> Check:
    """The program is there and starts."""
    try:
        path = find()
        run = subprocess.run([path, version], capture_output=True, text=True, timeout=30, check=True)
    except LocalError as error:
        return Check(name=name, ok=False, detail=str(error), remedy=wheels.REMEDY)
    except (OSError, subprocess.SubprocessError) as error:
        return Check(name=name, ok=False, detail=f"does not start: {error}", remedy="reinstall its wheel")
    return Check(name=name, ok=True, detail=run.stdout.splitlines()[0].split(" Copyright")[0])


def disk(home: Path) -> Check:
    free = shutil.disk_usage(existing(home)).free
    ok = free >= FREE_DISK
    remedy = "" if ok else f"free {FREE_DISK // GIB} GiB, or set REELMESH_HOME to a folder on a larger disk"
    return Check(name="Disk", ok=ok, detail=f"{free / GIB:.1f} GiB free at {home}", remedy=remedy)


def memory() -> Check:
    available = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_AVPHYS_PAGES")
    lines = Path("/proc/meminfo").read_text().splitlines() if Path("/proc/meminfo").exists() else []
    for line in lines:
        if line.startswith("MemAvailable:"):
            available = int(line.split()[1]) * 1024
    ok = available >= FREE_MEMORY
    remedy = "" if ok else "end other programs, or start fewer workers"
    return Check(name="Memory", ok=ok, detail=f"{available / GIB:.1f} GiB available", remedy=remedy)


def writable(home: Path) -> Check:
    try:
        with tempfile.TemporaryFile(dir=existing(home)):
            return Check(name="Home", ok=True, detail=str(home))
    except OSError as error:
        return Check(name="Home", ok=False, detail=str(error), remedy="set REELMESH_HOME to a folder of yours")


def ports() -> Check:
    try:
        port = pick(set(), GRPC_OFFSET)
    except LocalError as error:
        return Check(name="Ports", ok=False, detail=str(error), remedy="allow programs to listen on 127.0.0.1")
    return Check(name="Ports", ok=True, detail=f"127.0.0.1:{port} and others are free")


def postgres_user(home: Path) -> Check:
    """It starts as the user it would really run as, through the leash."""
    try:
        program = wheels.postgres_bin() / "postgres"
        drop = unprivileged(home / "postgres" / "data", program)
        leash = leashed(Program(name="postgres", argv=(str(program), "--version"), env={}, cwd=Path("/"), drop=drop))
        subprocess.run(leash, capture_output=True, text=True, timeout=30, check=True)
    except LocalError as error:
        return Check(name="Postgres user", ok=False, detail=str(error), remedy="run as an ordinary user")
    except subprocess.CalledProcessError as error:
        return Check(name="Postgres user", ok=False, detail=error.stderr.strip(), remedy="run as an ordinary user")
    detail = "yours" if drop is None else f"uid {drop.uid}, because you are root"
    return Check(name="Postgres user", ok=True, detail=detail)


def landlock() -> Check:
    """For information: without it, media tools are held by the other fences only."""
    libc = ctypes.CDLL(None, use_errno=True)
    version = libc.syscall(LANDLOCK_CREATE_RULESET, None, 0, LANDLOCK_CREATE_RULESET_VERSION)
    if version < 1:
        return Check(name="Landlock", ok=True, detail="not available: media tools run with a weaker sandbox")
    return Check(name="Landlock", ok=True, detail=f"ABI {version}")


def existing(path: Path) -> Path:
    """The path, or the nearest folder above it that exists."""
    return next(folder for folder in (path.absolute(), *path.absolute().parents) if folder.exists())
