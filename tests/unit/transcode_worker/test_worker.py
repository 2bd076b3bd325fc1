"""One slot of a worker, over fakes: how each task ends, and what becomes of its ticket."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from meshkit.errors import Conflict, NotFound, Unavailable
from services.transcode.media.errors import BadMedia, EncodeFailed
from services.transcode.worker import notes
from services.transcode.worker.domain import Encoded, Refused
from services.transcode.worker.service import Worker
from tests.eventually import eventually
from tests.fakes.transcode_worker import FakeQueue, FakeScheduler, FakeTicket, a_claim

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from services.transcode.worker.domain import Task
    from services.transcode.worker.ports import Complete
    from services.transcode.worker.service import Progress

STALE = Conflict("stale_epoch")
AWAY = Unavailable("unavailable")


@dataclass
class Execution:
    """Stands for ffmpeg: runs until it is told to end, with an error or without."""

    error: Exception | None = None
    may_end: asyncio.Event = field(default_factory=asyncio.Event)
    running: bool = False
    stopped: bool = False
    done: list[str] = field(default_factory=list)

    async def __call__(self, task: Task, progress: Progress, complete: Complete) -> None:
        self.running = True
        progress.value = 0.5
        try:
            await self.may_end.wait()
        except asyncio.CancelledError:
            self.stopped = True
            raise
        finally:
            self.running = False
        if self.error:
            raise self.error
        await complete(Encoded([]))
        self.done.append(task.id)


@dataclass
class Slot:
    queue: FakeQueue = field(default_factory=FakeQueue)
    scheduler: FakeScheduler = field(default_factory=FakeScheduler)
    execution: Execution = field(default_factory=Execution)
    reports: list[str] = field(default_factory=list)

    def offered(self, claim: Task | Refused | None = None) -> FakeTicket:
        """A ticket in the queue whose claim is answered so."""
        claim = claim or a_claim()
        ticket = FakeTicket()
        self.scheduler.claims.append(claim)
        self.queue.tickets.append(ticket)
        return ticket

    @asynccontextmanager
    async def working(self) -> AsyncIterator[asyncio.Task[None]]:
        worker = Worker(
            self.queue, self.scheduler, self.execution, lambda event, _: self.reports.append(event), beat=0.001
        )
        running = asyncio.create_task(worker.run())
        try:
            yield running
        finally:
            running.cancel()
            with suppress(asyncio.CancelledError):
                await running

    async def work_off(self) -> None:
        """Until every ticket was answered, or not, and the worker asks for more."""
        async with self.working() as running:
            idle = asyncio.create_task(self.queue.idle.wait())
            await asyncio.wait({idle, running}, return_when=asyncio.FIRST_COMPLETED, timeout=5)
            assert idle.done(), f"the worker still works, or has ended: {running!r}"


@pytest.fixture
def slot() -> Slot:
    return Slot()


async def test_a_task_that_is_done_is_answered(slot: Slot) -> None:
    slot.execution.may_end.set()
    claims = [a_claim(), a_claim()]
    tickets = [slot.offered(claim) for claim in claims]
    await slot.work_off()
    assert [ticket.answer for ticket in tickets] == ["done", "done"]
    assert slot.execution.done == [claim.id for claim in claims]


async def test_a_ticket_with_nothing_behind_it_is_answered(slot: Slot) -> None:
    ticket = slot.offered(Refused(over=True, retry_after=0.0))
    await slot.work_off()
    assert ticket.answers == ["done"]
    assert not slot.execution.done


async def test_a_ticket_for_what_waits_comes_back_later(slot: Slot) -> None:
    ticket = slot.offered(Refused(over=False, retry_after=4.5))
    await slot.work_off()
    assert ticket.answers == ["back 4.5"]


async def test_heartbeats_carry_progress_and_keep_the_ticket(slot: Slot) -> None:
    ticket = slot.offered()
    async with slot.working():
        await eventually(lambda: len(slot.scheduler.beats) >= 3, every=0.001)
        assert ticket.answer == ""
        slot.execution.may_end.set()
        await eventually(lambda: ticket.answer == "done", every=0.001)
    assert set(slot.scheduler.beats) == {0.5}
    assert ticket.answers.count("keep") >= 2


async def test_a_cancelled_job_stops_the_work(slot: Slot) -> None:
    ticket = slot.offered()
    slot.scheduler.cancelled = True
    await slot.work_off()
    assert slot.execution.stopped
    assert ticket.answer == "done"
    assert not slot.scheduler.said


async def test_a_lost_lease_stops_the_work_and_leaves_the_ticket(slot: Slot) -> None:
    ticket = slot.offered()
    slot.scheduler.refusals["beat"] = STALE
    await slot.work_off()
    assert slot.execution.stopped
    assert ticket.answer == ""
    assert not slot.scheduler.said


async def test_a_result_that_comes_too_late_leaves_the_ticket(slot: Slot) -> None:
    ticket = slot.offered()
    slot.execution.error = STALE
    slot.execution.may_end.set()
    await slot.work_off()
    assert ticket.answer == ""
    assert not slot.scheduler.said


async def test_missed_heartbeats_do_not_stop_the_work(slot: Slot) -> None:
    ticket = slot.offered()
    slot.scheduler.refusals["beat"] = AWAY
    async with slot.working():
        await eventually(lambda: len(slot.scheduler.beats) >= 3, every=0.001)
        assert slot.execution.running
        del slot.scheduler.refusals["beat"]
        slot.execution.may_end.set()
        await eventually(lambda: ticket.answer == "done", every=0.001)
    assert slot.reports.count("heartbeat missed") >= 2


@pytest.mark.parametrize(
    ("error", "reason", "retryable"),
    [
        (BadMedia("corrupt", "it cannot be decoded"), "corrupt", False),
        (NotFound("object_not_found"), "source_missing", True),
        (EncodeFailed("ffmpeg was killed"), "encode_failed", True),
        (OSError("no space left on device"), "encode_failed", True),
        (Unavailable("objects_unavailable"), "objects_unavailable", True),
    ],
)
async def test_failures_are_told_and_come_back(slot: Slot, error: Exception, reason: str, retryable: bool) -> None:
    ticket = slot.offered()
    slot.execution.error = error
    slot.execution.may_end.set()
    await slot.work_off()
    assert slot.scheduler.said == [("failed", reason, retryable)]
    assert ticket.answer == "back 0.5"


@pytest.mark.parametrize("refusal", [STALE, AWAY])
async def test_a_failure_that_nobody_hears_comes_back_too(slot: Slot, refusal: Exception) -> None:
    ticket = slot.offered()
    slot.execution.error = EncodeFailed("ffmpeg was killed")
    slot.execution.may_end.set()
    slot.scheduler.refusals["fail"] = refusal  # type: ignore[assignment]  # both are MeshErrors
    async with slot.working():
        await eventually(lambda: ticket.answer == "back 0.5", every=0.001)


async def test_a_worker_that_has_to_go_hands_its_task_back(slot: Slot) -> None:
    ticket = slot.offered()
    async with slot.working():
        await eventually(lambda: slot.execution.running, every=0.001)
    assert slot.execution.stopped
    assert slot.scheduler.said == [("released",)]
    assert ticket.answer == "back 0"


async def test_a_worker_that_has_to_go_while_nobody_listens_still_gives_its_ticket_back(slot: Slot) -> None:
    ticket = slot.offered()
    slot.scheduler.refusals["release"] = AWAY
    async with slot.working():
        await eventually(lambda: slot.execution.running, every=0.001)
    assert ticket.answer == "back 0"


async def test_a_scheduler_that_is_away_gets_the_ticket_offered_again(slot: Slot) -> None:
    ticket = slot.offered()
    slot.scheduler.refusals["claim"] = AWAY
    async with slot.working() as running:
        await eventually(lambda: "worker waits" in slot.reports, every=0.001)
        assert not running.done()
    assert ticket.answers == ["back 1"]


async def test_what_was_run_is_told_however_it_ended() -> None:
    class Runs(Execution):
        async def __call__(self, task: Task, progress: Progress, complete: Complete) -> None:
            notes.began(["ffmpeg", "-i", "a b", "x" * 9000])
            notes.said("first\n" * 2000 + "last words")
            await super().__call__(task, progress, complete)

    for error, ended in ((None, ("succeeded", "")), (BadMedia("corrupt", "cut"), ("failed", "corrupt"))):
        slot = Slot(execution=Runs(error=error))
        slot.execution.may_end.set()
        slot.offered()
        await slot.work_off()
        [(outcome, reason, command, log)] = slot.scheduler.noted
        assert (outcome, reason) == ended
        assert (command.startswith("ffmpeg -i 'a b' xxx"), len(command)) == (True, 4096)
        assert (log.endswith("last words"), len(log)) == (True, 4096)
