"""What the command shows: tables and bars for a person at a terminal, plain lines and JSON for everything else."""

import json
import sys
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from reelmesh_client.errors import ClientError

FOLDED = frozenset({"FILE", "FOUND", "WHAT TO DO"})
"""Columns whose values may take several lines; all others stay whole, to be copied."""
NARROWEST = 140
STEP = 10
"""Percent between two plain lines of progress."""


class Screen:
    """Results go to stdout, everything else to stderr. With `as_json`, stdout gets exactly one JSON object."""

    def __init__(self) -> None:
        self.as_json = False

    def json(self, body: Mapping[str, Any]) -> None:
        typer.echo(json.dumps(body))

    def note(self, text: str) -> None:
        typer.echo(plain(text), err=True)

    def line(self, text: str) -> None:
        typer.echo(plain(text))

    def pairs(self, pairs: Mapping[str, object]) -> None:
        """Names and values, one to a line; those without a value are left out."""
        shown = {name: str(value) for name, value in pairs.items() if value not in {None, ""}}
        if not on_terminal():
            for name, value in shown.items():
                self.line(f"{name}: {value}")
            return
        width = max(len(name) for name in shown)
        for name, value in shown.items():
            # Left to the terminal to wrap: an address that was cut into lines cannot be copied.
            typer.echo(f"{typer.style(name.ljust(width), dim=True)}  {plain(value)}")

    def table(self, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
        """Not at a terminal: no header, and tabs between the columns."""
        if not on_terminal():
            for row in rows:
                typer.echo("\t".join(plain(cell) for cell in row))
            return
        table = Table(box=None, pad_edge=False, header_style="bold")
        for column in columns:
            table.add_column(column, overflow="fold", no_wrap=column not in FOLDED)
        for row in rows:
            table.add_row(*[Text(plain(cell)) for cell in row])
        console = Console()
        # A narrower terminal wraps the lines itself.
        console.width = max(console.width, NARROWEST)
        console.print(table)

    def failed(self, error: ClientError) -> None:
        """One line on stderr; with `as_json`, the same as an object on stdout."""
        trace = f" (trace {error.trace_id})" if error.trace_id else ""
        self.note(f"reelmesh: {error.code}: {error}{trace}")
        if self.as_json:
            self.json({"error": {"code": error.code, "message": str(error), "trace_id": error.trace_id}})

    def meter(self) -> "Meter":
        return Bars() if on_terminal() and sys.stderr.isatty() else Lines(self)


class Meter(Protocol):
    def __enter__(self) -> "Meter": ...
    def __exit__(self, *_: object) -> None: ...
    def show(self, stage: str, done: float, note: str = "") -> None:
        """`done` goes from 0 to 1."""


class Bars:
    def __init__(self) -> None:
        self._progress = Progress(
            TextColumn("{task.description:<8}"),
            BarColumn(),
            TextColumn("{task.percentage:>3.0f}%"),
            TextColumn("{task.fields[note]}", markup=False),
            TimeElapsedColumn(),
            console=Console(stderr=True),
        )
        self._tasks: dict[str, TaskID] = {}

    def __enter__(self) -> "Bars":
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def show(self, stage: str, done: float, note: str = "") -> None:
        if stage not in self._tasks:
            self._tasks[stage] = self._progress.add_task(stage, total=1.0, note=note)
        self._progress.update(self._tasks[stage], completed=done, note=plain(note))


class Lines:
    """A line when a stage begins, at every tenth of it, and when its note changes."""

    def __init__(self, screen: Screen) -> None:
        self._screen = screen
        self._last: dict[str, int] = {}

    def __enter__(self) -> "Lines":
        return self

    def __exit__(self, *_: object) -> None:
        return

    def show(self, stage: str, done: float, note: str = "") -> None:
        tenth = int(done * 100) // STEP
        if self._last.get(stage, -1) < tenth:
            self._last[stage] = tenth
            self._screen.note(f"{stage} {tenth * STEP} %{f' {note}' if note else ''}")


def on_terminal() -> bool:
    return sys.stdout.isatty()


def plain(value: object) -> str:
    """On one line, and without control codes: file names come from strangers."""
    return "".join(each if each.isprintable() else " " for each in str(value))


def bytes_of(count: float) -> str:
    for unit in ("B", "KiB", "MiB", "GiB"):
        if count < 1024:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1024
    return f"{count:.1f} TiB"
