"""Who calls: an access token as it is, or an API key exchanged for one."""

from __future__ import annotations

import hashlib
import time
from functools import partial
from typing import TYPE_CHECKING

from meshkit.errors import Unavailable
from services.gateway.cache import Cache

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from meshkit.auth import Caller, Verifier

KEY_PREFIX = "rmk_"
KEYS_KEPT = 10_000
RENEWED_BEFORE = 30.0
"""Seconds of life that a token still has when its key is exchanged anew: longer than any call may take."""
KEPT = 30.0
"""Seconds until a key is exchanged anew, so that one that was taken back is refused everywhere soon."""
AGAIN = 1.0
"""Seconds until identity is asked again while it is away; the token of before is good as long as it lives."""


class Authenticator:
    def __init__(self, verifier: Verifier, exchange: Callable[[str], Awaitable[tuple[str, float]]]) -> None:
        self._verifier = verifier
        self._exchange = exchange
        self._callers: Cache[Caller] = Cache(KEYS_KEPT)
        self._lasting: Cache[Caller] = Cache(KEYS_KEPT)
        """Callers until their tokens end."""

    async def __call__(self, credential: str) -> Caller:
        """Raises Unauthenticated, or Unavailable when identity cannot be asked."""
        if not credential.startswith(KEY_PREFIX):
            return await self._verifier.access(credential)
        # The key itself stays out of memory that outlives the request.
        digest = hashlib.sha256(credential.encode()).hexdigest()
        return await self._callers.get(digest, partial(self._exchanged, credential, digest))

    def forget(self, subject: str) -> None:
        """The key with this id is good for nothing any more."""
        self._callers.drop(lambda caller: caller.subject == subject)
        self._lasting.drop(lambda caller: caller.subject == subject)

    async def _exchanged(self, key: str, digest: str) -> tuple[Caller, float]:
        try:
            token, expires = await self._exchange(key)
        except Unavailable:
            if (kept := self._lasting.peek(digest)) is None:
                raise
            return kept, AGAIN
        caller, left = await self._verifier.access(token), expires - time.time() - RENEWED_BEFORE
        self._lasting.put(digest, caller, left)
        return caller, min(KEPT, left)
