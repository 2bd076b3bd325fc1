"""The same source through the whole mesh, as a client sends it."""

from __future__ import annotations

import os
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bench.cpu import cpu_of
from bench.transcode.source import anew

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reelmesh_client import Client

    from local.mesh import RunningMesh


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """Seconds from the completed upload; `cpu` of all workers with their ffmpeg processes."""

    asset_id: str
    playable: float
    ready: float
    cpu: float


def workers(mesh: RunningMesh) -> list[int]:
    return [pid for name, pid in mesh.pids.items() if name.startswith("worker-")]


def pin(mesh: RunningMesh) -> None:
    """Each worker, and what it starts, to a core of its own."""
    cores = sorted(os.sched_getaffinity(0))
    for number, pid in enumerate(workers(mesh)):
        for task in os.listdir(f"/proc/{pid}/task"):  # noqa: PTH208 - names, not paths
            os.sched_setaffinity(int(task), {cores[number % len(cores)]})


def send(mesh: RunningMesh, client: Client, file: Path) -> Way:
    """Upload, wait until it is ready, count. Raises AssertionError when it does not become ready."""
    pids = workers(mesh)
    before = cpu_of(pids)
    fresh = anew(file)
    asset_id = client.upload_file(fresh)
    uploaded = time.monotonic()
    playable = ready = 0.0
    # Told, not asked: asking again and again would take time from the very cores that are measured.
    told = client.events(asset_id=asset_id, types=("asset.playable", "asset.ready", "asset.failed"), last_event_id="0")
    for event in told:
        now = time.monotonic() - uploaded
        assert event.type != "asset.failed", event
        if event.type == "asset.ready":
            ready = now
            break
        playable = now
    return Way(asset_id=asset_id, playable=playable or ready, ready=ready, cpu=cpu_of(pids) - before)


def settled(client: Client, asset_id: str) -> None:
    """Returns once the asset is ready. Raises AssertionError when it will not be."""
    told = client.events(asset_id=asset_id, types=("asset.ready", "asset.failed"), last_event_id="0")
    last = next(iter(told))
    assert last.type == "asset.ready", last


@dataclass(slots=True)
class Starts:
    """When, by the clock, a worker first had a program at work on a source: any at all, and ffmpeg."""

    program: float = 0.0
    ffmpeg: float = 0.0


@contextmanager
def first_starts(mesh: RunningMesh) -> Iterator[Starts]:
    """Looks every two milliseconds until both have been seen or the context ends."""
    seen, over = Starts(), threading.Event()

    def look() -> None:
        while not seen.ffmpeg and not over.wait(0.002):
            children = [child for pid in workers(mesh) for child in _children(pid)]
            now = time.time()
            if not seen.program and any(_at_work(child) for child in children):
                seen.program = now
            if any(_name(child).startswith("ffmpeg") for child in children):
                seen.ffmpeg = now

    watcher = threading.Thread(target=look)
    watcher.start()
    try:
        yield seen
    finally:
        over.set()
        watcher.join()


def _children(pid: int) -> list[str]:
    """Those of its first thread, which starts them all: to look at every thread would disturb what is measured."""
    return _read(Path(f"/proc/{pid}/task/{pid}/children")).split()


def _at_work(pid: str) -> bool:
    """In a task's folder, and not one that waits to be told of a task."""
    try:
        return Path(f"/proc/{pid}/cwd").readlink() != Path("/")
    except (FileNotFoundError, ProcessLookupError):
        return False


def _name(pid: str) -> str:
    return _read(Path(f"/proc/{pid}/comm"))


def _read(about: Path) -> str:
    """Of a thread or process that may have ended: nothing then."""
    try:
        return about.read_text()
    except (FileNotFoundError, ProcessLookupError):
        return ""
