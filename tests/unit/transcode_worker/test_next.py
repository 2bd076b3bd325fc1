"""A worker's next task comes with the completion of the one before, if there is one to be had."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from meshkit.errors import Conflict, Unavailable
from services.transcode.worker.domain import Encoded, Refused
from services.transcode.worker.service import Worker
from tests.eventually import eventually
from tests.fakes.transcode_worker import FakeQueue, FakeScheduler, FakeTicket, a_claim

if TYPE_CHECKING:
    from services.transcode.worker.domain import Task
    from services.transcode.worker.ports import Complete, Result
    from services.transcode.worker.service import Progress


class Slot:
    """Completes each task at once; goes on from there when it may."""

    def __init__(self, *claims: Task | Refused) -> None:
        self.queue, self.scheduler = FakeQueue(), FakeScheduler(claims=[*claims])
        self.tickets = [FakeTicket() for _ in claims]
        self.queue.tickets += self.tickets
        self.completed: list[str] = []
        self.may_go_on = asyncio.Event()
        self.room = 1 << 10
        """So many times there is some."""

    async def execute(self, task: Task, _: Progress, complete: Complete) -> None:
        await complete(Encoded([]))
        self.completed.append(task.id)
        await self.may_go_on.wait()

    def check_room(self) -> None:
        self.room -= 1
        if self.room < 0:
            raise Unavailable("scratch_full")

    def start(self) -> asyncio.Task[None]:
        worker = Worker(
            self.queue, self.scheduler, self.execute, lambda *_: None, beat=0.001, check_room=self.check_room
        )
        return asyncio.create_task(worker.run())


async def _stop(running: asyncio.Task[None]) -> None:
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running


async def test_it_is_claimed_with_the_completion() -> None:
    claims = [a_claim(), a_claim(), a_claim()]
    slot = Slot(*claims)
    slot.may_go_on.set()
    running = slot.start()
    await slot.queue.idle.wait()
    await _stop(running)
    assert slot.completed == [claim.id for claim in claims]
    assert slot.scheduler.calls == ["claim", "complete_and_claim", "complete_and_claim", "complete"]
    assert [ticket.answers for ticket in slot.tickets] == [["done"]] * 3


@pytest.mark.parametrize(
    ("refused", "answer"),
    [(Refused(over=True, retry_after=0.0), "done"), (Refused(over=False, retry_after=2.0), "back 2")],
)
async def test_its_message_is_answered_when_there_is_none(refused: Refused, answer: str) -> None:
    slot = Slot(a_claim(), refused)
    slot.may_go_on.set()
    running = slot.start()
    await slot.queue.idle.wait()
    await _stop(running)
    assert [ticket.answers for ticket in slot.tickets] == [["done"], [answer]]


async def test_a_worker_that_has_to_go_hands_it_back() -> None:
    slot = Slot(a_claim(), a_claim())
    running = slot.start()
    await eventually(lambda: slot.completed, every=0.001)
    await _stop(running)
    assert len(slot.completed) == 1
    assert slot.scheduler.said[1:] == [("released",), ("released",)]
    assert [ticket.answer for ticket in slot.tickets] == ["back 0", "back 0"]


async def test_a_completion_without_an_answer_gives_its_message_back() -> None:
    slot = Slot(a_claim(), a_claim())
    slot.scheduler.refusals["complete"] = Unavailable("unavailable")
    running = slot.start()
    await eventually(lambda: slot.tickets[1].answers, every=0.001)
    await _stop(running)
    assert [ticket.answers for ticket in slot.tickets] == [["back 0.5"], ["back 1"]]


async def test_a_result_that_landed_unheard_is_said_again_whatever_a_heartbeat_meets() -> None:
    class Unheard(FakeScheduler):
        async def complete(self, task: Task, result: Result) -> None:
            await eventually(lambda: len(self.beats) >= 2, every=0.001)
            await super().complete(task, result)

    slot = Slot(a_claim())
    slot.scheduler = Unheard(claims=slot.scheduler.claims, refusals={"beat": Conflict("stale_epoch")})
    slot.may_go_on.set()
    running = slot.start()
    await slot.queue.idle.wait()
    await _stop(running)
    assert slot.scheduler.calls == ["claim", "complete"]
    assert slot.tickets[0].answer == "done"


async def test_without_room_there_is_none() -> None:
    slot = Slot(a_claim(), a_claim())
    slot.room = 1
    slot.may_go_on.set()
    running = slot.start()
    await eventually(lambda: slot.tickets[0].answers, every=0.001)
    await _stop(running)
    assert slot.scheduler.calls == ["claim", "complete"]
    assert slot.queue.tickets == slot.tickets[1:]
