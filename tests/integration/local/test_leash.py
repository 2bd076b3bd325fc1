"""A program on the leash ends with its parent, and is otherwise as if it had been started plainly."""

import asyncio
import os
import signal
import subprocess
import sys
from asyncio.subprocess import PIPE
from pathlib import Path

import pytest

from local.process import LEASH
from tests.eventually import eventually

PARENT = """
import os, subprocess, sys, time
leash = [sys.executable, "-I", "-S", sys.argv[1], "--parent", str(os.getpid()), "--signal", sys.argv[2], "--"]
child = subprocess.Popen([*leash, "sleep", "600"])
print(child.pid, flush=True)
child.wait()
"""


def gone(pid: int) -> bool:
    """Ended, whether or not someone has waited for it."""
    try:
        return (Path("/proc") / str(pid) / "stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


@pytest.mark.parametrize("sent", ["KILL", "TERM", "INT", "QUIT"])
async def test_the_child_ends_when_its_parent_is_killed(sent: str) -> None:
    parent = await asyncio.create_subprocess_exec(sys.executable, "-c", PARENT, str(LEASH), sent, stdout=PIPE)
    assert parent.stdout is not None
    child = int(await parent.stdout.readline())
    assert not gone(child)
    parent.kill()
    await parent.wait()
    await eventually(lambda: gone(child), within=5)


def leashed(*options: str, argv: tuple[str, ...]) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-I", "-S", str(LEASH), *options, "--", *argv]
    return subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)


def test_nothing_runs_when_the_parent_is_already_gone() -> None:
    run = leashed("--parent", "1", argv=("echo", "ran"))
    assert run.returncode != 0
    assert "already gone" in run.stderr
    assert run.stdout == ""


def test_the_child_keeps_its_arguments_output_and_code() -> None:
    run = leashed("--parent", str(os.getpid()), argv=("sh", "-c", 'echo "$0 $1"; exit 7', "--signal", "two words"))
    assert (run.returncode, run.stdout) == (7, "--signal two words\n")


def test_the_child_ignores_no_signal_that_python_ignores() -> None:
    run = leashed("--parent", str(os.getpid()), argv=("cat", "/proc/self/status"))
    ignored = next(line for line in run.stdout.splitlines() if line.startswith("SigIgn:"))
    assert int(ignored.split()[1], 16) & (1 << signal.SIGPIPE - 1 | 1 << signal.SIGXFSZ - 1) == 0
