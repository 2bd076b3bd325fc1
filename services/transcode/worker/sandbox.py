"""Run a program on untrusted bytes: its own source and scratch folder only, bounded time and memory.

The child starts as `sandbox_launch`, which is told what to be, locks itself down and becomes the program, so that
nothing of ours has to run between fork and exec. `processes` may have one ready.
"""

import asyncio
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from services.transcode.media.source import Loopback, Source
from services.transcode.worker import processes, sandbox_launch

SandboxLevel = Literal["landlock files and tcp", "landlock files", "limits only"]

_SYSTEM_READ = (
    "/lib",
    "/lib64",
    "/usr/lib",
    "/usr/lib64",
    "/usr/local/lib",
    "/etc/ld.so.cache",
    "/dev/urandom",
    "/dev/zero",
)
_SYSTEM_WRITE = ("/dev/null",)
_OURS = Path(__file__).resolve().parents[2]
_STDERR_TAIL = 4096
_READ_SIZE = 65_536
_GIB = 2**30


class SandboxTimeout(Exception):
    """The deadline passed; the program and its children were killed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """`deadline` and `cpu` in seconds, `memory` (address space) and `file_size` (of any file written) in bytes."""

    deadline: float
    cpu: int
    memory: int = 8 * _GIB
    file_size: int = 64 * _GIB
    open_files: int = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """`code` is negative for a signal, as in subprocess. `stderr` holds its last 4 KiB."""

    code: int
    stderr: str


def sandbox_level() -> SandboxLevel:
    """How much this kernel can hold a child to."""
    abi = sandbox_launch.landlock_abi()
    if abi >= 4:
        return "landlock files and tcp"
    return "landlock files" if abi else "limits only"


async def run_python(
    module: str,
    arguments: Sequence[str],
    *,
    source: Source,
    scratch: Path,
    limits: Limits,
    on_output: Callable[[bytes], None],
) -> Finished:
    """`run_sandboxed` for `python -m module`, one of ours: it also reads the interpreter, packages and our code."""
    return await run_sandboxed(
        [sys.executable, "-P", "-m", module, *arguments],
        sources=[source],
        read=[Path(sys.prefix), Path(sys.base_prefix), _OURS],
        listed=[_OURS.parent],
        scratch=scratch,
        limits=limits,
        on_output=on_output,
        environment=processes.PYTHON,
        module=module,
    )


async def run_sandboxed(
    argv: Sequence[str],
    *,
    scratch: Path,
    limits: Limits,
    on_output: Callable[[bytes], None],
    sources: Sequence[Source] = (),
    read: Sequence[Path] = (),
    listed: Sequence[Path] = (),
    environment: dict[str, str] | None = None,
    module: str = processes.ANY,
) -> Finished:
    """Run `argv` (argv[0] an absolute path) with `scratch` as its folder, the only place it may write.

    It may read `sources`, and `read` and what lies beneath; of the folders in `listed` it sees the names but not the
    content. It may connect to nothing but sources on loopback, where the kernel can hold it to that. `module` is the
    program of ours that `argv` runs, if it is one.
    `on_output` gets stdout as it comes. Raises SandboxTimeout at the deadline. However this ends, cancellation
    included, the program and everything it started are gone.
    """
    read = [*read, *(each for each in sources if isinstance(each, Path))]
    connect = [each.port for each in sources if isinstance(each, Loopback)]
    allowed = _limits(argv, scratch, limits, {"read": read, "list": listed}, connect, environment or {})
    order = {"folder": str(scratch), "limits": allowed, "program": argv}
    process = await processes.told(module, order)
    try:
        async with asyncio.timeout(limits.deadline):
            stderr = await _drain(process, on_output)
            return Finished(code=await process.wait(), stderr=stderr)
    except TimeoutError as error:
        raise SandboxTimeout(f"{Path(argv[0]).name} took longer than {limits.deadline:.0f} s") from error
    finally:
        await processes.end(process)


def _limits(
    argv: Sequence[str],
    scratch: Path,
    limits: Limits,
    paths: dict[str, Sequence[Path]],
    connect: list[int],
    environment: dict[str, str],
) -> dict[str, Any]:
    return {
        "read": [*_SYSTEM_READ, argv[0], *map(str, paths["read"])],
        "list": [str(path) for path in paths["list"]],
        "write": [*_SYSTEM_WRITE, str(scratch)],
        "connect": connect,
        "environment": {"HOME": str(scratch), "TMPDIR": str(scratch), **processes.LOCALE, **environment},
        "rlimits": {
            "RLIMIT_CPU": limits.cpu,
            "RLIMIT_AS": limits.memory,
            "RLIMIT_FSIZE": limits.file_size,
            "RLIMIT_NOFILE": limits.open_files,
            "RLIMIT_CORE": 0,
        },
    }


async def _drain(process: asyncio.subprocess.Process, on_output: Callable[[bytes], None]) -> str:
    tail = bytearray()

    def keep_tail(data: bytes) -> None:
        tail.extend(data)
        del tail[:-_STDERR_TAIL]

    assert process.stdout is not None
    assert process.stderr is not None
    async with asyncio.TaskGroup() as group:
        group.create_task(_pump(process.stdout, on_output))
        group.create_task(_pump(process.stderr, keep_tail))
    return tail.decode(errors="replace").strip()


async def _pump(stream: asyncio.StreamReader, take: Callable[[bytes], None]) -> None:
    while data := await stream.read(_READ_SIZE):
        take(data)
