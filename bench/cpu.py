"""CPU seconds of processes, by the kernel's own accounting (proc(5))."""

from __future__ import annotations

import os
import time
from collections import defaultdict
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_TICK = os.sysconf("SC_CLK_TCK")


def cpu_seconds(pid: int) -> float:
    """User and system time of a process and of its children that it has waited for."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return sum(int(fields[index]) for index in (11, 12, 13, 14)) / _TICK


def cpu_of(pids: list[int]) -> float:
    return sum(cpu_seconds(pid) for pid in pids)


def precise_cpu_seconds(pid: int) -> float:
    """The same of the process alone, in nanoseconds rather than in ticks: by its CPU clock (clock_getcpuclockid(3))."""
    return time.clock_gettime((~pid << 3) | 2)


@contextmanager
def spent(pids: Mapping[str, int]) -> Iterator[dict[str, float]]:
    """After the block: CPU seconds of each process in it, and of all that it started."""
    before, cost = {name: cpu_of(_family(pid)) for name, pid in pids.items()}, dict[str, float]()
    yield cost
    cost.update({name: cpu_of(_family(pid)) - before[name] for name, pid in pids.items()})


@contextmanager
def peak_growth(pid: int) -> Iterator[list[int]]:
    """After the block, its one item: how many bytes more than before it the process had in memory at most."""
    Path(f"/proc/{pid}/clear_refs").write_text("5")
    before, grown = _status(pid, "VmRSS"), [0]
    yield grown
    grown[0] = _status(pid, "VmHWM") - before


def _family(pid: int) -> list[int]:
    children: defaultdict[int, list[int]] = defaultdict(list)
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(FileNotFoundError, ProcessLookupError):
            children[int(stat.read_text().rsplit(")", 1)[1].split()[1])].append(int(stat.parent.name))
    found = [pid]
    for each in found:
        found += children[each]
    return found


def _status(pid: int, name: str) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{name}:")) * 1024
