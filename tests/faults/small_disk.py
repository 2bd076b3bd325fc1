"""A worker whose scratch folder is a small disk of its own, which can be filled."""

from __future__ import annotations

import os
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from local.mesh import RunningMesh
    from local.process import Program

SIZE = 512 << 20
"""Bytes; a worker keeps half of that free before it takes a task."""
MOUNTED = f'mount -t tmpfs -o size={SIZE} scratch "$SCRATCH_DIR" && exec "$@"'


@asynccontextmanager
async def on_small_disk(mesh: RunningMesh, name: str) -> AsyncIterator[Callable[[], None]]:
    """Restarts the worker on its small disk, and in the end on the one it had; gives what fills the small one."""
    child = mesh.services[name].child
    usual = child.program
    await mesh.stop(name)
    child.program = _in_own_namespace(usual)
    try:
        await mesh.start(name)
        scratch = Path(f"/proc/{child.pid}/root") / usual.env["SCRATCH_DIR"].removeprefix("/")
        yield lambda: _fill(scratch)
    finally:
        await mesh.stop(name)
        child.program = usual
        await mesh.start(name)


def _in_own_namespace(program: Program) -> Program:
    """Only it sees the mount, which ends with it. Whoever is not root is root in a namespace of users, too."""
    user = () if os.geteuid() == 0 else ("--map-root-user",)
    return replace(program, argv=("unshare", "--mount", *user, "sh", "-c", MOUNTED, "sh", *program.argv))


def _fill(folder: Path) -> None:
    disk = os.statvfs(folder)
    with (folder / "filler").open("wb") as filler:
        os.posix_fallocate(filler.fileno(), 0, disk.f_bavail * disk.f_frsize)
