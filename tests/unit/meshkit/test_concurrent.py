"""Several things at once, failing as one."""

from __future__ import annotations

import asyncio
from contextvars import ContextVar
from typing import TYPE_CHECKING

import pytest

from meshkit.concurrent import Together, all_of
from meshkit.errors import Unavailable

if TYPE_CHECKING:
    from collections.abc import Sequence

_caller: ContextVar[str] = ContextVar("caller")


async def test_results_come_in_order() -> None:
    async def after(turns: int) -> int:
        for _ in range(turns):
            await asyncio.sleep(0)
        return turns

    assert await all_of(after(3), after(1), after(2)) == [3, 1, 2]


async def test_the_first_failure_comes_alone_and_ends_the_rest() -> None:
    ended = asyncio.Event()

    async def waits() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    async def fails() -> None:
        await asyncio.sleep(0)
        raise KeyError("x")

    with pytest.raises(KeyError):
        await all_of(waits(), fails())
    assert ended.is_set()


class Rounds:
    """Doubles numbers, a round at a time as it is let; refuses odd ones, and is away for those below zero."""

    def __init__(self) -> None:
        self.seen: list[list[int]] = []
        self.callers: list[str] = []
        self.let = asyncio.Semaphore(0)
        self.call = Together(self._serve, limit=5.0)

    async def _serve(self, numbers: Sequence[int]) -> list[int | Exception]:
        self.seen.append([*numbers])
        self.callers.append(_caller.get("nobody"))
        await self.let.acquire()
        if min(numbers) < 0:
            raise OSError("away")
        return [KeyError(each) if each % 2 else 2 * each for each in numbers]

    async def calls(self, *numbers: int) -> list[asyncio.Task[int]]:
        made = [asyncio.create_task(self.call(each)) for each in numbers]
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        return made


async def test_calls_that_come_meanwhile_are_served_together() -> None:
    rounds = Rounds()
    calls = [*await rounds.calls(2), *await rounds.calls(4), *await rounds.calls(6)]
    assert rounds.seen == [[2]]
    for _ in range(2):
        rounds.let.release()
    assert await asyncio.gather(*calls) == [4, 8, 12]
    assert rounds.seen == [[2], [4, 6]]
    rounds.let.release()
    assert await rounds.call(8) == 16


async def test_each_call_has_its_own_failure_and_all_have_that_of_their_round() -> None:
    rounds = Rounds()
    rounds.let.release()
    answers = await asyncio.gather(*await rounds.calls(2, 3), return_exceptions=True)
    assert (answers[0], type(answers[1])) == (4, KeyError)
    rounds.let.release()
    answers = await asyncio.gather(*await rounds.calls(-2, 2), return_exceptions=True)
    assert [type(each) for each in answers] == [OSError, OSError]
    rounds.let.release()
    assert await rounds.call(2) == 4


async def test_who_leaves_takes_nobody_along() -> None:
    rounds = Rounds()
    first, *_ = calls = await rounds.calls(2, 4)
    left, stays = await rounds.calls(6, 8)
    first.cancel()
    left.cancel()
    await asyncio.sleep(0)
    for _ in range(2):
        rounds.let.release()
    assert (await calls[1], await stays) == (8, 16)
    assert rounds.seen == [[2, 4], [8]]


async def test_a_round_runs_in_the_context_of_its_first_call() -> None:
    rounds = Rounds()
    calls = []
    for name, number in (("one", 2), ("two", 4), ("three", 6)):
        _caller.set(name)
        calls += await rounds.calls(number)
    for _ in range(2):
        rounds.let.release()
    await asyncio.gather(*calls)
    assert rounds.callers == ["one", "two"]


async def test_a_round_that_never_ends_is_ended() -> None:
    async def hang(_: Sequence[int]) -> list[int | Exception]:
        await asyncio.Event().wait()
        return []

    call = Together(hang, limit=0.01)
    for _ in range(2):
        with pytest.raises(Unavailable):
            await call(1)
