"""Where a mesh keeps its state: one folder, one holder at a time, secrets that only its owner can read."""

import asyncio
import fcntl
import json
import os
import secrets
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from local.errors import HomeInUseError, LocalError

LEFTOVERS_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Home:
    path: Path

    def folder(self, name: str) -> Path:
        folder = self.path / name
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def secret(self, name: str, make: Callable[[], str] = secrets.token_urlsafe) -> str:
        """The value made the first time this name was asked for."""
        path = self.path / "secrets.json"
        known = read_json(path)
        if name not in known:
            known[name] = make()
            write_private(path, json.dumps(known, indent=2))
        return str(known[name])

    @asynccontextmanager
    async def held(self) -> AsyncIterator[None]:
        """Hold the home alone. What a killed holder started may need a moment to end: wait for it."""
        self.path.mkdir(parents=True, exist_ok=True)
        with self._locked():
            for lock in sorted(self.folder("run").glob("*.lock")):
                os.close(await acquire(lock))
            yield

    @contextmanager
    def _locked(self) -> Iterator[None]:
        path = self.path / "mesh.lock"
        try:
            descriptor = try_lock(path)
        except BlockingIOError:
            holder = path.read_text().strip() or "unknown"
            raise HomeInUseError(
                f"{self.path} is in use by process {holder}: stop that mesh first, or choose another with REELMESH_HOME"
            ) from None
        try:
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
            yield
        finally:
            os.close(descriptor)


def home_at(path: Path) -> Home:
    return Home(path.absolute())


def default_home() -> Home:
    return home_at(Path(os.environ.get("REELMESH_HOME") or ".reelmesh"))


def try_lock(path: Path) -> int:
    """A descriptor holding the lock: it is held until every process that inherited the descriptor has ended."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


async def acquire(path: Path, within: float = LEFTOVERS_SECONDS) -> int:
    """`try_lock`, giving the processes that still hold it this long to end."""
    for _ in range(int(within / 0.05)):
        try:
            return try_lock(path)
        except BlockingIOError:
            await asyncio.sleep(0.05)
    raise LocalError(f"{path.stem} of an earlier run is still there after {within:g} s: find what holds {path}, end it")


def read_json(path: Path) -> dict[str, object]:
    try:
        return dict(json.loads(path.read_text()))
    except FileNotFoundError:
        return {}


def write_private(path: Path, text: str) -> None:
    """Whole or not at all, and never readable by others, not even for a moment."""
    fresh = path.with_name(f"{path.name}.new")
    fresh.unlink(missing_ok=True)
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
    fresh.replace(path)
