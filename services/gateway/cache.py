"""Values kept for a while, bounded in number, each made once however many ask for it."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

T = TypeVar("T")


class Cache(Generic[T]):
    """Least recently used goes first when there are more than `size`. Failures are not kept."""

    def __init__(self, size: int, now: Callable[[], float] = time.monotonic) -> None:
        self._size = size
        self._now = now
        self._kept: OrderedDict[str, tuple[T, float]] = OrderedDict()
        self._making: dict[str, asyncio.Task[T]] = {}

    async def get(self, key: str, make: Callable[[], Awaitable[tuple[T, float]]]) -> T:
        """What `key` has, or what `make` gives: a value and the seconds that it is good for."""
        if (kept := self.peek(key)) is not None:
            return kept
        if key not in self._making:
            self._making[key] = asyncio.create_task(self._make(key, make))
            self._making[key].add_done_callback(_retrieved)
        # One that gives up waiting must not take the value from the others.
        return await asyncio.shield(self._making[key])

    def peek(self, key: str) -> T | None:
        """What `key` has, if it is still good."""
        kept = self._kept.get(key)
        if kept is None or kept[1] <= self._now():
            return None
        self._kept.move_to_end(key)
        return kept[0]

    def put(self, key: str, value: T, seconds: float) -> None:
        if seconds <= 0:
            return
        self._kept[key] = (value, self._now() + seconds)
        self._kept.move_to_end(key)
        while len(self._kept) > self._size:
            self._kept.popitem(last=False)

    def drop(self, unwanted: Callable[[T], bool]) -> None:
        self._kept = OrderedDict((key, kept) for key, kept in self._kept.items() if not unwanted(kept[0]))

    async def _make(self, key: str, make: Callable[[], Awaitable[tuple[T, float]]]) -> T:
        try:
            value, seconds = await make()
        finally:
            del self._making[key]
        self.put(key, value, seconds)
        return value


def _retrieved(task: asyncio.Task[T]) -> None:
    """Looks at the failure of a task whose askers may all have gone."""
    if not task.cancelled():
        task.exception()
