"""Processes for the sandbox to tell what to be: started when they are needed, or ready before."""

import asyncio
import json
import os
import signal
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

from services.transcode.worker import sandbox_launch

_CODE = Path(__file__).resolve().parents[3]
LOCALE = {"LC_ALL": "C.UTF-8"}
PYTHON = {**LOCALE, "PYTHONPATH": str(_CODE), "PYTHONDONTWRITEBYTECODE": "1"}
"""What our own programs need in their environment."""
ANY = ""
"""In place of a module: what becomes any program."""

# The process's own, as its core is: whoever runs something next has use for it.
_ready: dict[str, asyncio.subprocess.Process] = {}


async def prepare(*modules: str) -> None:
    """Has a process ready for each of these programs of ours, which it has loaded, or for ANY."""
    for module in modules:
        if module not in _ready or _ready[module].returncode is not None:
            # Where there is nothing to spare for it, it is started when it is needed.
            with suppress(OSError):
                _ready[module] = await _spawn(module)


async def dismiss() -> None:
    """Ends those that are ready."""
    while _ready:
        await end(_ready.popitem()[1])


async def told(module: str, order: dict[str, Any]) -> asyncio.subprocess.Process:
    """A process that was told `order`, as `sandbox_launch` reads it: one that was ready, or a new one."""
    process = _taken(module) or _taken(ANY) or await _spawn(ANY)
    assert process.stdin is not None
    process.stdin.write(json.dumps(order).encode() + b"\n")
    process.stdin.close()
    return process


def _taken(module: str) -> asyncio.subprocess.Process | None:
    process = _ready.pop(module, None)
    return process if process and process.returncode is None else None


async def end(process: asyncio.subprocess.Process) -> None:
    # The whole group, even when the program itself has gone: it may have left children behind.
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    await process.wait()
    # Closes the pipes now; waiting for the garbage collector would warn.
    process._transport.close()  # type: ignore[attr-defined]  # noqa: SLF001


async def _spawn(module: str) -> asyncio.subprocess.Process:
    parent = str(os.getpid())
    if module == ANY:
        launch = ["-I", "-S", sandbox_launch.__file__, parent]
    else:
        launch = ["-P", "-m", sandbox_launch.__name__, parent, module]
    return await asyncio.create_subprocess_exec(
        sys.executable,
        *launch,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        cwd="/",
        env=PYTHON if module != ANY else {},
        start_new_session=True,
    )
