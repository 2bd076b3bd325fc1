"""Memory that a part of a file was in is kept for the next part, and not given back in between."""

from __future__ import annotations

import ctypes

from meshkit.telemetry import log

KEPT = 64 << 20
LARGEST = 32 << 20
"""Bytes; what glibc allows."""
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
"""mallopt(3)."""


def keep_freed() -> None:
    """Else the kernel clears fresh pages for every byte that passes (ADR 95)."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None or not (mallopt(_TRIM_THRESHOLD, KEPT) and mallopt(_MMAP_THRESHOLD, LARGEST)):
        log.info("memory is kept as the C library likes")
