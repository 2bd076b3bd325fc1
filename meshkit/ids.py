"""Ids that sort by the time they were made."""

from __future__ import annotations

import secrets
import threading
import time
import uuid

_lock = threading.Lock()
_last = 0


def new_id() -> str:
    """A UUIDv7 (RFC 9562 section 5.7), in one process never before an earlier one.

    48 bits of Unix milliseconds, 12 bits of the millisecond's fraction (method 3 of section 6.2), 62 random bits.
    """
    global _last  # noqa: PLW0603 - the clock may stand still between two calls
    with _lock:
        ticks = _last = max(time.time_ns() * 4096 // 1_000_000, _last + 1)
    value = (ticks >> 12) << 80 | 0x7 << 76 | (ticks & 0xFFF) << 64 | 0b10 << 62 | secrets.randbits(62)
    return str(uuid.UUID(int=value))
