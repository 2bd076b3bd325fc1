"""One operating system process per slot, each on a core of its own: a chunk is encoded fastest by one thread."""

from __future__ import annotations

import os
import signal
import sys
from typing import TYPE_CHECKING

from services.transcode.worker import sandbox_launch

if TYPE_CHECKING:
    from services.transcode.worker.main import Settings

_MODULE = "services.transcode.worker"


def cores() -> list[int]:
    """The cores this process may use, by number."""
    return sorted(os.sched_getaffinity(0))


def run_slots(count: int) -> int:
    """Runs `count` slots until told to end, and gives the exit code.

    When one of them ends by itself all do, and whoever supervises this process starts it again.
    """
    slots: list[int] = []
    told = False

    def forward(number: int, _: object) -> None:
        nonlocal told
        told = True
        for slot in slots:
            os.kill(slot, number)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, forward)
    for slot in range(count):
        argv = [sys.executable, "-m", _MODULE, "--slot", str(slot), "--parent", str(os.getpid())]
        slots.append(os.spawnv(os.P_NOWAIT, sys.executable, argv))
    code = 0
    while slots:
        ended, status = os.wait()
        if ended not in slots:
            # An orphan: the first process of a container inherits them all.
            continue
        slots.remove(ended)
        code = code or abs(os.waitstatus_to_exitcode(status))
        # Once: the second signal would find a slot that no longer listens, and kill it.
        if not told:
            forward(signal.SIGTERM, None)
    return code


def settle(settings: Settings, slot: int, parent: int) -> Settings:
    """Makes this process a slot of `parent`: its core, its folder, its port. It does not outlive its parent."""
    sandbox_launch.die_with(parent)
    allowed = cores()
    pin(allowed[slot % len(allowed)])
    metrics_port = None if settings.metrics_port is None else settings.metrics_port + slot
    return settings.model_copy(
        update={
            "grpc_port": settings.grpc_port + slot,
            "metrics_port": metrics_port,
            "scratch_dir": settings.scratch_dir / f"slot-{slot}",
        }
    )


def pin(core: int) -> None:
    """Keeps this process, and what it starts, on one core. A core that is not ours to use is ignored."""
    if core in cores():
        os.sched_setaffinity(0, {core})
