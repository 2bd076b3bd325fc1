"""Postgres refuses to run as root: find another user, and what that user needs to reach our files.

The caller's folders stay as they are: nothing is created, opened up or handed over but the data folder we make.
"""

import os
import pwd
import stat
from collections.abc import Iterable
from pathlib import Path

from local.errors import CannotRunError
from local.process import Drop

CANDIDATES = ("postgres", "nobody")


def unprivileged(data: Path, program: Path) -> Drop | None:
    """None for an ordinary user. For root: the owner of existing data, else `postgres`, else `nobody`."""
    if os.geteuid() != 0:
        return None
    uid, gid = owner(data) if data.exists() else first_known(CANDIDATES)
    return Drop(uid=uid, gid=gid, keep=needed(uid, gid, program, [data, program]))


def owner(data: Path) -> tuple[int, int]:
    status = data.stat()
    if status.st_uid == 0:
        raise CannotRunError(f"{data} belongs to root, as whom Postgres refuses to run: chown it, or remove it")
    return status.st_uid, status.st_gid


def first_known(names: Iterable[str]) -> tuple[int, int]:
    for name in names:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return entry.pw_uid, entry.pw_gid
    raise CannotRunError(f"Postgres refuses to run as root, and there is no user {' or '.join(names)} to run it as")


def needed(uid: int, gid: int, program: Path, paths: Iterable[Path]) -> str | None:
    if program.exists() and not allowed(uid, gid, program, stat.S_IXOTH):
        return "override"
    if all(allowed(uid, gid, folder, stat.S_IXOTH) for path in paths for folder in way_to(path)):
        return None
    return "search"


def way_to(path: Path) -> list[Path]:
    """Every folder on the way, as written and as the symbolic links lead."""
    folders = {*path.absolute().parents, *path.resolve().parents}
    return [folder for folder in folders if folder.exists()]


def allowed(uid: int, gid: int, path: Path, others: int) -> bool:
    status = path.stat()
    shift = 6 if status.st_uid == uid else 3 if status.st_gid == gid else 0
    return bool(status.st_mode & (others << shift))
