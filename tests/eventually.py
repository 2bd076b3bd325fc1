"""Wait for something to become true, and not a moment longer."""

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar, overload

T = TypeVar("T")


@overload
async def eventually(check: Callable[[], Awaitable[T]], *, within: float = ..., every: float = ...) -> T: ...
@overload
async def eventually(check: Callable[[], T], *, within: float = ..., every: float = ...) -> T: ...
async def eventually(check: Callable[[], T | Awaitable[T]], *, within: float = 10.0, every: float = 0.05) -> T:
    """The first true value of `check`, which may be async and may assert. Fails with its last word after `within` s."""
    deadline = time.monotonic() + within
    while True:
        last: object = None
        try:
            outcome = check()
            value: T = await outcome if inspect.isawaitable(outcome) else outcome
            if value:
                return value
            last = value
        except AssertionError as error:
            last = error
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {within:g} s: {last!r}")
        await asyncio.sleep(every)
