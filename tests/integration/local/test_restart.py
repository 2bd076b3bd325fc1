"""What was written is there after a stop, a kill and a new start."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from local.infra import RunningInfra, controlled_infra, running_infra
from tests.integration.local import talk


@pytest.fixture
async def running(tmp_path: Path) -> AsyncIterator[RunningInfra]:
    async with controlled_infra(tmp_path / "home") as started:
        await talk.leave_notes(started.infra)
        yield started


async def test_a_stopped_mesh_comes_back_with_its_state_at_the_same_addresses(tmp_path: Path) -> None:
    async with running_infra(tmp_path / "home") as before:
        await talk.leave_notes(before)
    async with running_infra(tmp_path / "home") as after:
        assert after == before
        await talk.assert_notes(after)


@pytest.mark.parametrize("name", ["postgres", "nats", "seaweed"])
async def test_a_killed_server_comes_back_with_its_state(running: RunningInfra, name: str) -> None:
    await running.kill(name)
    assert not running.children[name].running
    await running.start(name)
    await talk.assert_notes(running.infra)


async def test_a_server_restarts_in_peace(running: RunningInfra) -> None:
    before = {name: child.pid for name, child in running.children.items()}
    for name in running.children:
        await running.restart(name)
    assert all(running.children[name].pid != pid for name, pid in before.items())
    await talk.assert_notes(running.infra)


async def test_a_wiped_nats_is_empty_and_works(running: RunningInfra) -> None:
    await running.wipe_nats()
    assert await talk.messages(running.infra) == []
    await talk.publish(running.infra, "new")
    assert await talk.messages(running.infra) == ["new"]


async def test_nothing_is_left_running_when_one_server_cannot_start(tmp_path: Path) -> None:
    home = tmp_path / "home"
    async with running_infra(home):
        pass
    (home / "postgres" / "data" / "PG_VERSION").write_text("7\n")
    with pytest.raises(ExceptionGroup, match="TaskGroup") as failed:
        async with running_infra(home):
            pass
    assert "postgres ended with" in str(failed.value.exceptions[0])
    (home / "postgres" / "data" / "PG_VERSION").write_text("18\n")
    async with running_infra(home) as again:
        talk.write_row(again, "works")
