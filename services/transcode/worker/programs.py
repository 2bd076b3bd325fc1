"""Run one of our programs on a source in the sandbox, and take its answer: JSON, or why the source is refused."""

import json
import signal
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from services.transcode.media.errors import BadMedia, EncodeFailed
from services.transcode.media.limits import PROBE_MEMORY
from services.transcode.media.source import Loopback, Source
from services.transcode.worker.sandbox import Limits, SandboxTimeout, run_python

_LONGEST_ANSWER = 2**20
# A decoder that dies so was led there by the file.
_CRASHES = tuple(-each for each in (signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS, signal.SIGFPE, signal.SIGILL))


def module_of(program: str) -> str:
    return f"services.transcode.worker.{program}"


async def answer_of(
    program: str, arguments: Sequence[str], *, source: Source, scratch: Path, limits: Limits
) -> dict[str, Any]:
    """What services.transcode.worker.`program` says of the source, whose place and size are its first arguments.

    Raises BadMedia with its reason, EncodeFailed when trying again may help.
    """
    answer = bytearray()
    where, size = (source.url, source.size) if isinstance(source, Loopback) else (str(source), source.stat().st_size)
    try:
        finished = await run_python(
            module_of(program),
            [where, str(size), *arguments],
            source=source,
            scratch=scratch,
            limits=replace(limits, memory=PROBE_MEMORY),
            on_output=lambda data: answer.extend(data[: _LONGEST_ANSWER - len(answer)]),
        )
    except SandboxTimeout as error:
        raise EncodeFailed(str(error)) from error
    if finished.code in _CRASHES:
        raise BadMedia("corrupt", f"reading the file ended with {signal.Signals(-finished.code).name}")
    if finished.code:
        raise EncodeFailed(f"{program} ended with {finished.code}: {finished.stderr}")
    return _said(bytes(answer))


def _said(answer: bytes) -> dict[str, Any]:
    try:
        said: dict[str, Any] = json.loads(answer)
    except ValueError as error:
        raise EncodeFailed("the program gave no answer") from error
    if "reason" in said:
        raise BadMedia(said["reason"], said["message"])
    return said
