"""Several things at once, failing as one."""

from __future__ import annotations

import asyncio
import contextvars
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

from meshkit.errors import Unavailable

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Sequence
    from typing import Any

T = TypeVar("T")
A = TypeVar("A")


async def all_of(*each: Coroutine[Any, Any, T]) -> list[T]:
    """The results in order. The first failure cancels the rest and is raised by itself, not in a group."""
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(one) for one in each]
    except ExceptionGroup as failures:
        raise failures.exceptions[0] from None
    return [task.result() for task in tasks]


@dataclass(frozen=True, slots=True)
class _Call(Generic[A, T]):
    argument: A
    answer: asyncio.Future[T]
    context: contextvars.Context


class Together(Generic[A, T]):
    """Serves all calls that came while others were under way in one go, so that many cost hardly more than one.

    `serve` answers each argument in order; an answer that is an exception is raised to its caller alone, one that
    `serve` raises to all of them. It runs in the context of the first of them, goes on when a caller leaves, and is
    ended after `limit` seconds: then all get Unavailable.
    """

    def __init__(
        self, serve: Callable[[Sequence[A]], Awaitable[Sequence[T | Exception]]], *, limit: float = 30.0
    ) -> None:
        self._serve = serve
        self._limit = limit
        self._waiting: list[_Call[A, T]] = []
        self._round: asyncio.Task[None] | None = None

    async def __call__(self, argument: A) -> T:
        answer: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Call(argument, answer, contextvars.copy_context()))
        if self._round is None:
            self._begin()
        return await answer

    def _begin(self) -> None:
        first = next((call for call in self._waiting if not call.answer.done()), None)
        self._round = asyncio.create_task(self._run(), context=first.context) if first else None

    async def _run(self) -> None:
        calls, self._waiting = [call for call in self._waiting if not call.answer.done()], []
        answers: Sequence[T | Exception] = []
        try:
            async with asyncio.timeout(self._limit):
                answers = await self._serve([call.argument for call in calls])
        except TimeoutError:
            answers = [Unavailable("deadline_exceeded", f"not done within {self._limit:.1f} s")] * len(calls)
        except Exception as failure:
            answers = [failure] * len(calls)
        finally:
            for call in calls[len(answers) :]:
                call.answer.cancel()
            self._begin()
        for call, answer in zip(calls, answers, strict=True):
            if call.answer.done():
                continue
            if isinstance(answer, Exception):
                call.answer.set_exception(answer)
            else:
                call.answer.set_result(answer)
