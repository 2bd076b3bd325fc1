"""One program under the leash: start it, wait until it is ready, stop it; nothing it started outlives the mesh."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from local.errors import StartError
from local.home import Home, acquire

LEASH = Path(__file__).with_name("leash.py")
LOG_BYTES = 8 * 1024 * 1024
POLL_SECONDS = 0.02

Ready = Callable[[], Awaitable[bool]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Drop:
    """Another user to run as, and how it reaches files below folders that are closed to it (see leash.py)."""

    uid: int
    gid: int
    keep: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    name: str
    argv: tuple[str, ...]
    env: Mapping[str, str]
    cwd: Path
    drop: Drop | None = None
    # How to stop it, and what the kernel sends it when the mesh itself dies.
    stop_signal: signal.Signals = signal.SIGTERM
    orphan_signal: signal.Signals = signal.SIGKILL
    grace_seconds: float = 10.0
    start_seconds: float = 60.0


@dataclass(slots=True)
class Child:
    """Start it from a thread that outlives it (the main thread): the leash follows the thread, not the process."""

    program: Program
    home: Home
    _process: "subprocess.Popen[bytes] | None" = field(default=None, init=False)

    @property
    def log(self) -> Path:
        return self.home.folder("logs") / f"{self.program.name}.log"

    @property
    def pid(self) -> int:
        if self._process is None:
            raise StartError(f"{self.program.name} was never started")
        return self._process.pid

    @property
    def returncode(self) -> int | None:
        return None if self._process is None else ended(self._process)

    @property
    def running(self) -> bool:
        return self._process is not None and self.returncode is None

    async def start(self) -> None:
        if self.running:
            raise StartError(f"{self.program.name} is already running")
        # The lock goes to the child and to everything the child starts, so it is free when all of them have ended.
        lock = await acquire(self._lock)
        try:
            self._process = spawn(self.program, self.log, lock)
        finally:
            os.close(lock)

    async def wait_ready(self, ready: Ready) -> None:
        deadline = time.monotonic() + self.program.start_seconds
        while not await ready():
            if not self.running:
                raise StartError(f"{self.program.name} ended with {self.returncode} at its start:\n{self.tail()}")
            if time.monotonic() > deadline:
                raise StartError(
                    f"{self.program.name} is not ready after {self.program.start_seconds:g} s:\n{self.tail()}"
                )
            await asyncio.sleep(POLL_SECONDS)

    async def wait(self) -> int:
        # Polled, not awaited from the loop: a test may start and stop a child from different loops.
        process = self._process
        if process is None:
            raise StartError(f"{self.program.name} was never started")
        while (code := ended(process)) is None:  # noqa: ASYNC110
            await asyncio.sleep(POLL_SECONDS)
        return code

    async def stop(self) -> None:
        """Ask, wait, insist. Returns when nothing of it is left."""
        if self.running:
            os.kill(self.pid, self.program.stop_signal)
            try:
                await asyncio.wait_for(self.wait(), self.program.grace_seconds)
            except TimeoutError:
                pass
            finally:
                await self.kill()
        os.close(await acquire(self._lock))

    async def kill(self) -> None:
        """SIGKILL. Returns when it has ended."""
        if self.running:
            os.kill(self.pid, signal.SIGKILL)
            await self.wait()

    def tail(self, lines: int = 20) -> str:
        text = self.log.read_text(errors="replace") if self.log.exists() else ""
        return "\n".join(text.splitlines()[-lines:]) + f"\n(whole log: {self.log})"

    @property
    def _lock(self) -> Path:
        return self.home.folder("run") / f"{self.program.name}.lock"


def ended(process: "subprocess.Popen[bytes]") -> int | None:
    """Its exit code, once it has one. What it started and left behind ends with it, as in a container."""
    if process.returncode is None:
        if os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
            return None
        # Not yet waited for, it still owns its process group's number: this can hit nobody else.
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    return process.poll()


def spawn(program: Program, log: Path, lock: int) -> "subprocess.Popen[bytes]":
    with open_log(log) as output:
        return subprocess.Popen(
            leashed(program),
            env=dict(program.env),
            cwd=program.cwd,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            pass_fds=[lock],
            # Ctrl-C at the terminal is for the mesh, which then stops everything in order.
            start_new_session=True,
        )


def leashed(program: Program) -> list[str]:
    argv = [sys.executable, "-I", "-S", str(LEASH), "--parent", str(os.getpid())]
    argv += ["--signal", program.orphan_signal.name.removeprefix("SIG")]
    if program.drop is not None:
        argv += ["--user", f"{program.drop.uid}:{program.drop.gid}"]
        argv += ["--keep", program.drop.keep] if program.drop.keep else []
    return [*argv, "--", *program.argv]


def open_log(path: Path) -> BinaryIO:
    """To append to; what an earlier run wrote moves aside once it is long."""
    if path.exists() and path.stat().st_size > LOG_BYTES:
        path.replace(path.with_name(f"{path.name}.1"))
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab")


def plain_env() -> dict[str, str]:
    """For a server: nothing of the caller's settings (PGDATA, AWS_…, proxies) may reach it."""
    kept = {name: os.environ[name] for name in ("PATH", "LD_LIBRARY_PATH") if name in os.environ}
    return {**kept, "LC_ALL": "C"}
