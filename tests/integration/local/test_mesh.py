"""The mesh as a whole, with services that only say they are ready: it starts, heals, drains."""

import asyncio
import json
import signal
import stat
import sys
import urllib.request
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from local.mesh import RunningMesh, running_mesh
from tests.eventually import eventually
from tests.integration.local.mesh_parent import TABLE
from tests.integration.local.test_leash import gone


@pytest.fixture(scope="module")
async def mesh(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[RunningMesh]:
    home = Path(tmp_path_factory.mktemp("mesh"))
    async with running_mesh(home, workers=0, durable=False, table=TABLE) as running:
        yield running


def answers(mesh: RunningMesh) -> bool:
    with urllib.request.urlopen(f"{mesh.url}/readyz", timeout=5) as answer:
        return bool(answer.status == 200)


async def test_it_is_ready_and_leaves_a_note_for_the_cli(mesh: RunningMesh) -> None:
    assert await asyncio.to_thread(answers, mesh)
    assert set(mesh.pids) == {"upload", "gateway", "worker-1", "postgres", "nats", "seaweed"}
    note = mesh.home / "dev.env"
    keys = f"REELMESH_API_KEY={mesh.api_key}\nREELMESH_OPERATOR_KEY={mesh.operator_key}\n"
    assert note.read_text() == f"REELMESH_URL={mesh.url}\n{keys}"
    assert stat.S_IMODE(note.stat().st_mode) == 0o600


async def test_a_killed_service_comes_back(mesh: RunningMesh) -> None:
    before = mesh.pids["gateway"]
    await mesh.kill("gateway")
    await eventually(lambda: mesh.pids.get("gateway", before) != before)
    await mesh.wait_ready()
    assert await asyncio.to_thread(answers, mesh)


async def test_a_server_that_dies_by_itself_comes_back(mesh: RunningMesh) -> None:
    before = mesh.pids["nats"]
    await mesh.servers.children["nats"].kill()
    await eventually(lambda: mesh.pids.get("nats", before) != before)


async def test_a_server_that_was_killed_on_purpose_stays_down_until_it_is_started(mesh: RunningMesh) -> None:
    await mesh.kill("postgres")
    assert "postgres" not in mesh.pids
    await mesh.restart("postgres")
    assert "postgres" in mesh.pids


@pytest.mark.parametrize("asked", [signal.SIGINT, signal.SIGTERM])
async def test_a_signal_drains_everything_and_ends_with_success(tmp_path: Path, asked: signal.Signals) -> None:
    parent = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.integration.local.mesh_parent", str(tmp_path), stdout=PIPE
    )
    assert parent.stdout is not None
    pids = json.loads(await parent.stdout.readline())["pids"]
    parent.send_signal(asked)
    assert await parent.wait() == 0
    assert all(gone(pid) for pid in pids.values())
    assert "drained" in (tmp_path / "logs" / "upload.log").read_text()


async def test_a_signal_during_the_start_ends_with_success_too(tmp_path: Path) -> None:
    parent = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.integration.local.mesh_parent", str(tmp_path), stdout=PIPE
    )
    await eventually((tmp_path / "postgres").exists)
    parent.terminate()
    assert await parent.wait() == 0
