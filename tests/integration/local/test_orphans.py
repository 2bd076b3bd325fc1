"""A parent that is killed leaves nothing behind, and everything it had written."""

import asyncio
import json
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from local.infra import Infra, running_infra
from tests.eventually import eventually
from tests.integration.local import talk


@asynccontextmanager
async def a_parent(home: Path) -> AsyncIterator[Process]:
    parent = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.integration.local.parent", str(home), stdout=PIPE
    )
    try:
        yield parent
    finally:
        if parent.returncode is None:
            parent.kill()
        await parent.wait()


def processes_below(home: Path) -> list[str]:
    """Every process that has the home in its command line or works in it."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if str(home) in (process / "cmdline").read_text() or str(home) in str((process / "cwd").readlink()):
                found.append(process.name)
        except (FileNotFoundError, ProcessLookupError, PermissionError):
            continue
    return found


async def test_a_killed_parent_takes_its_servers_with_it_and_no_data(tmp_path: Path) -> None:
    home = tmp_path / "home"
    async with a_parent(home) as parent:
        assert parent.stdout is not None
        said = json.loads(await parent.stdout.readline())
        await talk.leave_notes(Infra(**said["infra"]))
        assert len(processes_below(home)) > 3
        parent.send_signal(signal.SIGKILL)
        await eventually(lambda: processes_below(home) == [], within=8)
    async with running_infra(home) as after:
        assert after == Infra(**said["infra"])
        await talk.assert_notes(after)


async def test_a_mesh_can_start_at_once_after_its_parent_was_killed(tmp_path: Path) -> None:
    home = tmp_path / "home"
    async with a_parent(home) as parent:
        assert parent.stdout is not None
        said = json.loads(await parent.stdout.readline())
        await talk.leave_notes(Infra(**said["infra"]))
        parent.send_signal(signal.SIGKILL)
        await parent.wait()
        async with running_infra(home) as after:
            assert after == Infra(**said["infra"])
            await talk.assert_notes(after)


async def test_a_parent_killed_while_it_makes_the_database_costs_nothing(tmp_path: Path) -> None:
    home = tmp_path / "home"
    async with a_parent(home) as parent:
        await eventually((home / "postgres" / "data.new" / "base").exists, every=0.005)
        parent.send_signal(signal.SIGKILL)
        await parent.wait()
        async with running_infra(home) as after:
            await talk.leave_notes(after)
            await talk.assert_notes(after)
