"""A worker that cannot work takes no tasks, and one that fails makes way for the others."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from pathlib import Path

import pytest

from meshkit.errors import Unavailable
from services.transcode.media.errors import EncodeFailed
from services.transcode.worker.execute import Executor
from services.transcode.worker.service import Worker
from tests.eventually import eventually
from tests.fakes.transcode_worker import FakeObjects, FakeQueue, FakeScheduler, FakeTicket, a_claim

MORE_THAN_THERE_IS = 1 << 62


def executor(scratch: Path, reserve: int) -> Executor:
    return Executor(
        FakeScheduler(), FakeObjects(), scratch=scratch, ffmpeg=Path("ffmpeg"), threads=1, deadline=1.0, reserve=reserve
    )


def test_a_full_disk_is_said(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="scratch_full"):
        executor(tmp_path, MORE_THAN_THERE_IS).check_room()


def test_a_kept_source_makes_room_first(tmp_path: Path) -> None:
    full = executor(tmp_path, MORE_THAN_THERE_IS)
    kept = tmp_path / "sources" / "kept"
    kept.write_bytes(b"source")
    with pytest.raises(Unavailable):
        full.check_room()
    assert not kept.exists()


def test_a_disk_with_room_is_fine(tmp_path: Path) -> None:
    kept = tmp_path / "sources" / "kept"
    roomy = executor(tmp_path, reserve=1)
    kept.write_bytes(b"source")
    roomy.check_room()
    assert kept.exists()


async def test_without_room_no_task_is_taken() -> None:
    queue, scheduler, reports = FakeQueue(), FakeScheduler(), list[dict[str, object]]()
    queue.tickets.append(FakeTicket())

    async def execute(*_: object) -> None: ...

    def check_room() -> None:
        raise Unavailable("scratch_full")

    worker = Worker(queue, scheduler, execute, lambda _, said: reports.append(said), beat=0.001, check_room=check_room)
    running = asyncio.create_task(worker.run())
    await eventually(lambda: reports, every=0.001)
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running
    assert reports[0]["reason"] == "scratch_full"
    assert len(queue.tickets) == 1


async def test_a_worker_that_fails_again_and_again_makes_way() -> None:
    queue, scheduler, beat = FakeQueue(), FakeScheduler(), 0.01
    at: list[float] = []
    for _ in range(4):
        scheduler.claims.append(a_claim())
        queue.tickets.append(FakeTicket())

    async def execute(*_: object) -> None:
        at.append(asyncio.get_running_loop().time())
        if len(at) != 3:
            raise EncodeFailed("no space left on device")

    running = asyncio.create_task(Worker(queue, scheduler, execute, lambda *_: None, beat=beat).run())
    await eventually(queue.idle.is_set, every=0.001)
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running
    assert at[1] - at[0] >= 2 * beat
    assert at[2] - at[1] >= 4 * beat


async def test_a_worker_rests_when_it_waited_in_vain() -> None:
    queue, scheduler, done = FakeQueue(), FakeScheduler(), list[str]()
    queue.tickets += [None, FakeTicket(), None]
    scheduler.claims.append(a_claim())

    async def execute(*_: object) -> None:
        done.append("task")

    async def rest() -> None:
        done.append("rest")

    running = asyncio.create_task(Worker(queue, scheduler, execute, lambda *_: None, rest=rest).run())
    await queue.idle.wait()
    assert done == ["rest", "task", "rest"]
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running
