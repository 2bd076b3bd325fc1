"""`python -m services.transcode.worker [--slots N]`: N slots, one for each core unless told otherwise."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from meshkit.run import run
from meshkit.settings import load
from services.transcode.worker import slots
from services.transcode.worker.main import Settings, main

if TYPE_CHECKING:
    import asyncio


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

    async def work(settings: Settings, stop: asyncio.Event) -> None:
        if asked.slot is not None:
            settings = slots.settle(settings, asked.slot, asked.parent)
        elif settings.worker_cpu is not None:
            slots.pin(settings.worker_cpu)
        await main(settings, stop)

    run("transcode-worker", Settings, work)


start()
