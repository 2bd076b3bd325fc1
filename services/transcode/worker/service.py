"""One slot: take a task, do it while beating, say how it ended."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from meshkit.errors import Conflict, MeshError, NotFound
from services.transcode.media.errors import BadMedia, EncodeFailed
from services.transcode.worker.domain import Refused
from services.transcode.worker.notes import noting

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from services.transcode.worker.domain import Task
    from services.transcode.worker.ports import Complete, Queue, Result, Scheduler, Ticket

BEAT = 1.0
"""Seconds between heartbeats: each carries progress, and brings back whether to go on."""
_PAUSE = 1.0
_LONGEST_PAUSE = 60.0
_MOST_DOUBLED = 16


@dataclass(slots=True)
class Progress:
    """Part of the task done, 0 to 1."""

    value: float = 0.0


class Cancelled(Exception):
    """The job was cancelled while its task ran."""


@dataclass(frozen=True, slots=True)
class Turn:
    """A task to do, and the message that entitles to it."""

    task: Task
    ticket: Ticket


class Worker:
    """`execute` does a task and completes it with what it made; a heartbeat goes out every `beat` seconds.

    `check_room` raises Unavailable while this worker can take no task; `rest` is called while there is none.
    """

    def __init__(
        self,
        queue: Queue,
        scheduler: Scheduler,
        execute: Callable[[Task, Progress, Complete], Awaitable[None]],
        report: Callable[[str, dict[str, object]], None],
        *,
        beat: float = BEAT,
        check_room: Callable[[], None] = lambda: None,
        rest: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        self._queue = queue
        self._scheduler = scheduler
        self._execute = execute
        self._report = report
        self._every = beat
        self._check_room = check_room
        self._rest = rest
        self._failures = 0
        self._completing = False
        self._next: Turn | None = None
        """Taken when the one before was completed: a claim by itself would cost one more call."""

    async def run(self) -> None:
        """Task after task until cancelled; then the one at hand is handed back."""
        try:
            while True:
                try:
                    if turn := self._next or await self._turn():
                        self._next = None
                        await self._take(turn)
                        await self._sit_out()
                except MeshError as error:
                    self._report("worker waits", {"reason": error.reason, "detail": error.message})
                    await asyncio.sleep(_PAUSE)
        finally:
            if self._next:
                await self._hand_back(self._next)

    async def _turn(self) -> Turn | None:
        self._check_room()
        if ticket := await self._queue.next():
            return await self._turn_by(ticket, self._scheduler.claim())
        if self._rest:
            await self._rest()
        return None

    async def _turn_by(self, ticket: Ticket, asked: Awaitable[Task | Refused]) -> Turn | None:
        try:
            claim = await asked
        except (MeshError, asyncio.CancelledError):
            # Without an answer the message would lie there until the queue takes us for dead.
            await ticket.back(_PAUSE)
            raise
        if isinstance(claim, Refused):
            await (ticket.done() if claim.over else ticket.back(claim.retry_after))
            return None
        return Turn(claim, ticket)

    async def _complete(self, task: Task, result: Result) -> None:
        self._completing = True
        try:
            self._check_room()
            ticket = await self._queue.next(wait=False)
        except MeshError:
            ticket = None
        if ticket:
            self._next = await self._turn_by(ticket, self._scheduler.complete_and_claim(task, result))
        else:
            await self._scheduler.complete(task, result)

    async def _take(self, turn: Turn) -> None:
        with noting() as notes:
            outcome, reason = await self._do(turn)
        if notes.command:
            with suppress(MeshError):
                await self._scheduler.note(turn.task, outcome, reason, notes)

    async def _do(self, turn: Turn) -> tuple[str, str]:
        """How it ended: succeeded, cancelled or failed, and then why."""
        try:
            await self._work(turn.task, turn.ticket)
            self._failures = 0
            await turn.ticket.done()
        except asyncio.CancelledError:
            await self._hand_back(turn)
            raise
        except Cancelled:
            self._report("task cancelled", {"task_id": turn.task.id})
            await turn.ticket.done()
            return "cancelled", ""
        except (BadMedia, EncodeFailed, MeshError, OSError) as error:
            await self._failed(turn.task, turn.ticket, error)
            return "failed", _judged(error)[0]
        return "succeeded", ""

    async def _work(self, task: Task, ticket: Ticket) -> None:
        """The task and its heartbeat end together: whichever fails first ends the other."""
        progress = Progress()
        self._completing = False
        work = asyncio.ensure_future(self._execute(task, progress, partial(self._complete, task)))
        beats = asyncio.ensure_future(self._beat(task, ticket, progress))
        try:
            await asyncio.wait({work, beats}, return_when=asyncio.FIRST_COMPLETED)
            await (work if work.done() else beats)
        finally:
            for each in (work, beats):
                each.cancel()
            await asyncio.gather(work, beats, return_exceptions=True)

    async def _beat(self, task: Task, ticket: Ticket, progress: Progress) -> None:
        while True:
            await asyncio.sleep(self._every)
            # Also while the scheduler is away: we are still at it.
            await ticket.keep()
            try:
                go_on = await self._scheduler.beat(task, progress.value)
            except Conflict:
                # The result may have landed without our hearing of it: then the completion is told so, said again.
                if not self._completing:
                    raise
                continue
            except MeshError as error:
                # A scheduler that restarts is no reason to stop: the lease outlasts it, or the epoch says otherwise.
                self._report("heartbeat missed", {"task_id": task.id, "reason": error.reason})
                continue
            if not go_on:
                raise Cancelled

    async def _failed(self, task: Task, ticket: Ticket, error: Exception) -> None:
        reason, retryable = _judged(error)
        self._report("task failed", {"task_id": task.id, "reason": reason, "error": str(error)})
        if reason == "stale_epoch":
            # Another worker has the task: its message is that worker's to answer.
            return
        with suppress(MeshError):
            await self._scheduler.fail(task, reason, _words(error)[-2000:], retryable=retryable)
        # A source that is not there says nothing about this worker.
        self._failures += retryable and reason != "source_missing"
        # Answered whether or not that was heard: the scheduler says when asked again whether the task is over.
        await ticket.back(0.5)

    async def _sit_out(self) -> None:
        """After failures in a row, ever more beats: a broken worker shall not use up the attempts of a task."""
        if self._failures:
            await asyncio.sleep(min(self._every * 2 ** min(self._failures, _MOST_DOUBLED), _LONGEST_PAUSE))

    async def _hand_back(self, turn: Turn) -> None:
        with suppress(MeshError):
            await self._scheduler.release(turn.task)
        await turn.ticket.back(0.0)


def _words(error: Exception) -> str:
    """For people: the reason goes beside it."""
    return error.message if isinstance(error, BadMedia | MeshError) else str(error)


def _judged(error: Exception) -> tuple[str, bool]:
    """The reason to give, and whether another attempt may end otherwise."""
    if isinstance(error, BadMedia):
        return error.reason, False
    if isinstance(error, NotFound):
        # It was there when its upload was completed: a store that lags, or one that is being restored, may have it yet.
        return "source_missing", True
    if isinstance(error, MeshError):
        return error.reason, True
    return "encode_failed", True
