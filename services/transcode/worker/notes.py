"""What a task's programs were called with, and what they last said: for whoever runs the platform."""

from __future__ import annotations

import shlex
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

MOST = 4096
"""Characters of a command, and of what was said."""


@dataclass(slots=True)
class Notes:
    """Of the last program of an attempt at a task."""

    command: str = ""
    log: str = ""


_notes: ContextVar[Notes | None] = ContextVar("notes", default=None)


@contextmanager
def noting() -> Iterator[Notes]:
    """What this task and those that it starts run is noted."""
    notes = Notes()
    token = _notes.set(notes)
    try:
        yield notes
    finally:
        _notes.reset(token)


def began(argv: Sequence[str]) -> None:
    if notes := _notes.get():
        notes.command, notes.log = shlex.join(argv)[:MOST], ""


def said(log: str) -> None:
    if notes := _notes.get():
        notes.log = log[-MOST:]
