"""What every benchmark prints: the machine, a table, and last one JSON object."""

from __future__ import annotations

import json
import os
import platform
import statistics
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table


@dataclass(slots=True)
class Figures:
    """Named measurements with the bound that they are held against, if any."""

    name: str
    values: dict[str, Any] = field(default_factory=dict)
    rows: list[tuple[str, str, str]] = field(default_factory=list)

    def add(self, name: str, value: float, *, bound: str = "", samples: list[float] | None = None) -> None:
        """`value` is a median where there are `samples`; both go into the JSON."""
        self.values[name] = round(value, 4)
        if samples:
            self.values[f"{name}_samples"] = [round(sample, 4) for sample in samples]
        self.rows.append((name, f"{value:.4g}", bound))

    def split(self, name: str, samples: list[dict[str, float]]) -> None:
        """How much of something each process had: medians."""
        medians = {who: round(statistics.median([each[who] for each in samples]), 3) for who in samples[0]}
        self.values[name] = medians
        shown = [f"{who} {value:.2f}" for who, value in medians.items() if value >= 0.005]
        self.rows.append((name, ", ".join(shown), ""))

    def show(self) -> None:
        """The table to standard error, then the JSON as the last line of standard output."""
        machine = describe_machine()
        table = Table(title=f"{self.name} · {machine['cpu']} · {machine['cores']} cores · Python {machine['python']}")
        for heading in ("figure", "measured", "wanted"):
            table.add_column(heading)
        for row in self.rows:
            table.add_row(*row)
        Console(file=sys.stderr, width=110).print(table)
        sys.stdout.write(json.dumps({"bench": self.name, "machine": machine, **self.values}) + "\n")
        sys.stdout.flush()


def describe_machine() -> dict[str, Any]:
    info = Path("/proc/cpuinfo").read_text().splitlines()
    cpu = next((line.split(":", 1)[1].strip() for line in info if line.startswith("model name")), platform.machine())
    return {
        "cpu": cpu,
        "cores": len(os.sched_getaffinity(0)),
        "kernel": platform.release(),
        "python": platform.python_version(),
        "load_before": round(os.getloadavg()[0], 2),
    }


def median(samples: list[float]) -> float:
    return statistics.median(samples)


def say(line: str) -> None:
    sys.stderr.write(line + "\n")
    sys.stderr.flush()
