"""CPU seconds of processes, by the kernel's own accounting (proc(5))."""

from __future__ import annotations

import os
from pathlib import Path

_TICK = os.sysconf("SC_CLK_TCK")


def cpu_seconds(pid: int) -> float:
    """User and system time of a process and of its children that it has waited for."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return sum(int(fields[index]) for index in (11, 12, 13, 14)) / _TICK


def cpu_of(pids: list[int]) -> float:
    return sum(cpu_seconds(pid) for pid in pids)
