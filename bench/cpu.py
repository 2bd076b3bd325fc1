"""CPU seconds of processes, by the kernel's own accounting (proc(5))."""

from __future__ import annotations

import os
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_TICK = os.sysconf("SC_CLK_TCK")


def cpu_seconds(pid: int) -> float:
    """User and system time of a process and of its children that it has waited for."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return sum(int(fields[index]) for index in (11, 12, 13, 14)) / _TICK


def cpu_of(pids: list[int]) -> float:
    return sum(cpu_seconds(pid) for pid in pids)


def precise_cpu_seconds(pid: int) -> float:
    """The same, of the threads that there are, in nanoseconds rather than in ticks."""
    ran = (task / "schedstat" for task in Path(f"/proc/{pid}/task").iterdir())
    return sum(int(each.read_text().split()[0]) for each in ran) / 1e9


@contextmanager
def peak_growth(pid: int) -> Iterator[list[int]]:
    """After the block, its one item: how many bytes more than before it the process had in memory at most."""
    Path(f"/proc/{pid}/clear_refs").write_text("5")
    before, grown = _status(pid, "VmRSS"), [0]
    yield grown
    grown[0] = _status(pid, "VmHWM") - before


def _status(pid: int, name: str) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{name}:")) * 1024
