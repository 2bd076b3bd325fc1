"""SIGTERM ends every loop of a process, also one that missed the first word."""

from __future__ import annotations

import asyncio

from meshkit.run import until


async def test_a_loop_that_forgot_a_cancel_is_cancelled_again() -> None:
    stop, forgotten = asyncio.Event(), list[str]()

    async def forgetful() -> None:
        while True:
            try:
                stop.set()
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                if len(forgotten) == 2:
                    raise
                forgotten.append("cancel")

    async with asyncio.timeout(5):
        await until(stop, forgetful(), again=0.001)
    assert len(forgotten) == 2


async def test_a_loop_may_tidy_up_in_peace() -> None:
    stop, tidied = asyncio.Event(), list[str]()

    async def tidy() -> None:
        stop.set()
        try:
            await asyncio.Event().wait()
        finally:
            for _ in range(10):
                await asyncio.sleep(0)
            tidied.append("all")

    await until(stop, tidy(), tidy())
    assert tidied == ["all", "all"]
