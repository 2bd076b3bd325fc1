"""Several things at once, failing as one."""

from __future__ import annotations

import asyncio

import pytest

from meshkit.concurrent import all_of


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
