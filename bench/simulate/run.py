"""Queue age for 1 to 1,000 workers, from how long tasks took in `make loadtest NAME=workers`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.figures import Figures, say
from bench.simulate.queue import Kind, Load, Simulation

if TYPE_CHECKING:
    from collections.abc import Sequence

MEASURED = Path(".reelmesh") / "loadtests" / "workers" / "report.json"
WORKERS = (1, 2, 4, 10, 30, 100, 300, 1000)
UTILISATIONS = (0.5, 0.7, 0.9)
PROBE, CHUNK, SOUND = "probe source", "encode chunk", "encode audio"


def run(*, rounds: int, only: Sequence[str]) -> None:  # noqa: ARG001 - the same figures every time
    if not MEASURED.exists():
        raise SystemExit(f"{MEASURED} is not there: make loadtest NAME=workers")
    load = load_of(json.loads(MEASURED.read_text()))
    figures = Figures("simulate")
    figures.add("worker_seconds_per_video", load.work)
    for workers in WORKERS:
        for busy in UTILISATIONS:
            name = f"{workers}_workers_{busy:.0%}_busy"
            if only and str(workers) not in only:
                continue
            say(f"· {name}")
            waits = Simulation(load, workers=workers, utilisation=busy, videos=max(2000, 10 * workers)).run()
            figures.add(f"{name}_videos_per_minute", 60 * busy * workers / load.work)
            figures.add(f"{name}_begins_p95_s", at(waits.first, 0.95))
            figures.add(f"{name}_queue_age_p95_s", at(waits.every, 0.95))
            figures.add(f"{name}_queue_age_max_s", max(waits.every))
            figures.add(f"{name}_ready_p95_s", at(waits.ready, 0.95))
    figures.show()


def load_of(report: dict[str, Any]) -> Load:
    """Of the round with the fewest workers, who disturbed each other the least."""
    tasks: dict[str, list[float]] = report["tasks"][min(report["tasks"], key=int)]
    kinds = {
        name: Kind(per_video=len(each) / report["videos"], seconds=each, urgent=name in {PROBE, CHUNK, SOUND})
        for name, each in tasks.items()
    }
    return Load(probe=kinds.pop(PROBE), others=tuple(kinds.values()))


def at(samples: Sequence[float], share: float) -> float:
    return sorted(samples)[min(int(share * len(samples)), len(samples) - 1)]
