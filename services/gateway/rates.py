"""How much one address, and one caller, may ask for; counted in this process, by class of route."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING, Annotated, Literal

from limits import parse
from limits.storage import MemoryStorage
from limits.strategies import SlidingWindowCounterRateLimiter
from pydantic import AfterValidator

from meshkit.errors import Exhausted
from services.gateway import problems
from services.gateway.access import UNOBSERVED
from services.gateway.origin import origin

if TYPE_CHECKING:
    import threading
    from collections.abc import Mapping

    from starlette.types import ASGIApp, Receive, Scope, Send

Kind = Literal["signup", "auth", "read", "write", "play"]
DEFAULTS: Mapping[Kind, str] = {
    "signup": "300/hour",
    "auth": "120/minute",
    "read": "12000/minute",
    "write": "3000/minute",
    "play": "60000/minute",
}


FORGOTTEN_EVERY = 60.0
"""Seconds."""


def _parsable(rate: str) -> str:
    if rate:
        parse(rate)
    return rate


Rate = Annotated[str, AfterValidator(_parsable)]
"""Such as `200/second` or `12000/minute`; empty for no limit."""


def kind_of(method: str, path: str) -> Kind | None:
    """None is not limited."""
    if path in UNOBSERVED:
        return None
    if path.startswith("/v1/auth/"):
        return "signup" if path == "/v1/auth/signup" else "auth"
    if path.startswith(("/play/", "/embed/")):
        return "play"
    return "read" if method in {"GET", "HEAD", "OPTIONS"} else "write"


class _Round:
    """The thread that forgets what has run out, and the pause until the next one."""

    def __init__(self, thread: threading.Thread) -> None:
        self._thread = thread
        self._until = time.monotonic() + FORGOTTEN_EVERY

    def start(self) -> None:
        self._thread.start()

    def is_alive(self) -> bool:
        return time.monotonic() < self._until


class _Storage(MemoryStorage):
    """Of itself it begins a thread with every request."""

    @property  # type: ignore[override]  # of a Timer, it is what the storage asks for
    def timer(self) -> _Round:
        return self._round

    @timer.setter
    def timer(self, thread: threading.Thread) -> None:
        self._round = _Round(thread)


class Rates:
    def __init__(self, rates: Mapping[Kind, str]) -> None:
        self._limits = {kind: parse(rate) for kind, rate in ({**DEFAULTS, **rates}).items() if rate}
        self._limiter = SlidingWindowCounterRateLimiter(_Storage())

    def count(self, kind: Kind | None, who: str) -> None:
        """One more request of `who`. Raises Exhausted when it is one too many; that one does not count."""
        limit = self._limits.get(kind) if kind else None
        if kind is None or limit is None or self._limiter.hit(limit, kind, who):
            return
        reset = self._limiter.get_window_stats(limit, kind, who).reset_time
        wait = max(1, math.ceil(reset - time.time()))
        raise Exhausted("rate_limited", f"more than {limit}: ask again later", retry_after=wait)


class AddressLimit:
    """Counts by address before anything is read; who calls is counted once it is known."""

    def __init__(self, app: ASGIApp, rates: Rates) -> None:
        self._app = app
        self._rates = rates

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            self._rates.count(kind_of(scope["method"], scope["path"]), f"address {origin(scope)}")
        except Exhausted as error:
            await problems.response(error)(scope, receive, send)
            return
        await self._app(scope, receive, send)
