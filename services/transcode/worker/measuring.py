"""What a worker measures of itself: attempts, runs of ffmpeg, and what encoding costs."""

from __future__ import annotations

import asyncio
import resource
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from meshkit import instruments
from meshkit.errors import MeshError
from meshkit.telemetry import tracer
from services.transcode.media.errors import BadMedia, WrongOutput

if TYPE_CHECKING:
    from collections.abc import Iterator

_SHORTEST = 0.001
"""Seconds: nothing is divided by less."""


@contextmanager
def attempt(kind: str) -> Iterator[None]:
    """One attempt at a task of this kind, and how it ended."""
    outcome = "interrupted"
    try:
        yield
        outcome = "succeeded"
    except Exception as error:
        outcome = _reason(error)
        raise
    finally:
        instruments.TASK_ATTEMPTS.add(kind=kind, outcome=outcome)


@contextmanager
def encoding(kind: str, seconds: float) -> Iterator[None]:
    """The block makes `seconds` of output. A worker does one task at a time: what its children use is the task's."""
    began, cpu = time.monotonic(), _childrens_cpu()
    yield
    wall, used = max(time.monotonic() - began, _SHORTEST), _childrens_cpu() - cpu
    instruments.ENCODE_CPU.add(used, kind=kind)
    instruments.ENCODE_OUTPUT.add(seconds, kind=kind)
    instruments.ENCODE_SPEED.record(seconds / wall, kind=kind)
    instruments.ENCODE_COST.record(60 * used / max(seconds, _SHORTEST), kind=kind)


@dataclass(slots=True)
class Run:
    outcome: str = "failed"


@contextmanager
def ffmpeg_run() -> Iterator[Run]:
    """One run of ffmpeg; who runs it says how it ended."""
    run = Run()
    with tracer.start_as_current_span("ffmpeg") as span:
        try:
            yield run
        except asyncio.CancelledError:
            run.outcome = "interrupted"
            raise
        finally:
            span.set_attribute("ffmpeg.outcome", run.outcome)
            instruments.FFMPEG_RUNS.add(outcome=run.outcome)


def _reason(error: Exception) -> str:
    if isinstance(error, BadMedia | MeshError):
        return error.reason
    return "wrong_output" if isinstance(error, WrongOutput) else "encode_failed"


def _childrens_cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
