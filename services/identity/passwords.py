"""Passwords as Argon2id hashes (RFC 9106), made beside the event loop."""

from __future__ import annotations

import asyncio
import os
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from meshkit.errors import Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

MEMORY = 19 * 1024
"""KiB; with the passes, what OWASP asks for at least."""
PASSES = 2
SALT = 16


WAITING = 64
"""Hashes that wait for a core; at about 30 ms each, more would outlast their callers."""


class Argon2:
    """As many hashes at a time as there are cores; others wait, and beyond `waiting` they are refused."""

    def __init__(self, waiting: int = WAITING) -> None:
        self._waiting = waiting
        self._hasher = PasswordHasher(time_cost=PASSES, memory_cost=MEMORY, parallelism=1, salt_len=SALT)
        self._nobodys = self._hasher.hash(os.urandom(SALT).hex())
        self._asked = 0
        self._threads = ThreadPoolExecutor(len(os.sched_getaffinity(0)), thread_name_prefix="argon2")

    async def hash(self, password: str) -> str:
        return await self._beside(self._hasher.hash, password)

    async def verify(self, password_hash: str | None, password: str) -> bool:
        right = await self._beside(self._right, password_hash or self._nobodys, password)
        return right and password_hash is not None

    def outdated(self, password_hash: str) -> bool:
        return self._hasher.check_needs_rehash(password_hash)

    def close(self) -> None:
        self._threads.shutdown(cancel_futures=True)

    async def _beside(self, work: Callable[..., T], *args: str) -> T:
        if self._asked >= self._waiting:
            raise Unavailable("too_many_logins", "too many passwords are being checked: try again")
        self._asked += 1
        future = asyncio.get_running_loop().run_in_executor(self._threads, work, *args)
        # Not when the caller is gone: its hash still takes a core.
        future.add_done_callback(self._done)
        return await asyncio.shield(future)

    def _done(self, _: object) -> None:
        self._asked -= 1

    def _right(self, password_hash: str, password: str) -> bool:
        try:
            return self._hasher.verify(password_hash, password)
        except (VerificationError, InvalidHashError):
            return False
