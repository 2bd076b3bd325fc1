"""Passwords as Argon2id hashes (RFC 9106), made beside the event loop."""

from __future__ import annotations

import asyncio
import os
from concurrent.futures import ThreadPoolExecutor

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

MEMORY = 19 * 1024
"""KiB; with the passes, what OWASP asks for at least."""
PASSES = 2
SALT = 16


class Argon2:
    """As many hashes at a time as there are cores; the others wait."""

    def __init__(self) -> None:
        self._hasher = PasswordHasher(time_cost=PASSES, memory_cost=MEMORY, parallelism=1, salt_len=SALT)
        self._nobodys = self._hasher.hash(os.urandom(SALT).hex())
        self._threads = ThreadPoolExecutor(len(os.sched_getaffinity(0)), thread_name_prefix="argon2")

    async def hash(self, password: str) -> str:
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._hasher.hash, password)

    async def verify(self, password_hash: str | None, password: str) -> bool:
        right = await asyncio.get_running_loop().run_in_executor(
            self._threads, self._right, password_hash or self._nobodys, password
        )
        return right and password_hash is not None

    def outdated(self, password_hash: str) -> bool:
        return self._hasher.check_needs_rehash(password_hash)

    def close(self) -> None:
        self._threads.shutdown(cancel_futures=True)

    def _right(self, password_hash: str, password: str) -> bool:
        try:
            return self._hasher.verify(password_hash, password)
        except (VerificationError, InvalidHashError):
            return False
