"""How long the call that this task serves may still take; calls it makes get no more than that."""

from __future__ import annotations

import time
from contextvars import ContextVar

_ends: ContextVar[float | None] = ContextVar("deadline", default=None)


def begin(seconds: float) -> None:
    """From here on this task has `seconds` left."""
    _ends.set(time.monotonic() + seconds)


def bounded(timeout: float | None) -> float | None:
    """`timeout` in seconds, or less where less is left; None when neither says anything."""
    ends = _ends.get()
    if ends is None:
        return timeout
    left = max(ends - time.monotonic(), 0.0)
    return left if timeout is None else min(timeout, left)
