"""`python -m services.transcode.worker [--slots N]`: N slots, one for each core unless told otherwise."""

from __future__ import annotations

import argparse

from meshkit.run import run
from meshkit.settings import load
from services.transcode.worker import slots
from services.transcode.worker.main import Settings, main


def start() -> None:
    parser = argparse.ArgumentParser(prog="python -m services.transcode.worker", description=__doc__)
    parser.add_argument("--slots", type=int, help="how many; else WORKER_SLOTS, else one for each core")
    # What the process with all slots tells each of them.
    parser.add_argument("--slot", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--parent", type=int, default=0, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.slot is None:
        settings = load(Settings)
        count = asked.slots or settings.worker_slots or len(slots.cores())
        if count > 1:
            raise SystemExit(slots.run_slots(count))

    def settle(settings: Settings) -> Settings:
        if asked.slot is not None:
            return slots.settle(settings, asked.slot, asked.parent)
        if settings.worker_cpu is not None:
            slots.pin(settings.worker_cpu)
        return settings

    run("transcode-worker", Settings, main, settle)


start()
