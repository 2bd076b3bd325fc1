"""The same source through the whole mesh, as a client sends it."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.cpu import cpu_of

if TYPE_CHECKING:
    from pathlib import Path

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
    asset_id = client.upload_file(file)
    uploaded = time.monotonic()
    playable = ready = 0.0
    for standing in client.watch(asset_id, every=0.05):
        now = time.monotonic() - uploaded
        if standing.asset and standing.asset.playable and not playable:
            playable = now
        if standing.ready:
            ready = now
    assert ready, f"{asset_id} is not ready"
    return Way(asset_id=asset_id, playable=playable or ready, ready=ready, cpu=cpu_of(pids) - before)
