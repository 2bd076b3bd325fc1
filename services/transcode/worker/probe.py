"""Learn a source's facts, in the sandbox: the file may be anything."""

import json
import signal
from dataclasses import replace
from pathlib import Path

from services.transcode.media.errors import BadMedia, EncodeFailed
from services.transcode.media.facts import SourceFacts
from services.transcode.media.limits import PROBE_MEMORY
from services.transcode.media.source import Loopback, Source
from services.transcode.worker.sandbox import Limits, SandboxTimeout, run_python

_PROGRAM = "services.transcode.worker.read_source"
_LONGEST_ANSWER = 2**20
# A decoder that dies so was led there by the file.
_CRASHES = tuple(-each for each in (signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS, signal.SIGFPE, signal.SIGILL))


async def probe(source: Source, file_name: str, *, scratch: Path, limits: Limits) -> SourceFacts:
    """The facts of `source`, which was uploaded as `file_name`, after reading all of it, but not its hash.

    Raises BadMedia with its reason, EncodeFailed when trying again may help.
    """
    answer = bytearray()
    where, size = (source.url, source.size) if isinstance(source, Loopback) else (str(source), source.stat().st_size)
    try:
        finished = await run_python(
            _PROGRAM,
            [where, str(size), file_name],
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
        raise EncodeFailed(f"the probe ended with {finished.code}: {finished.stderr}")
    return _facts(bytes(answer))


def _facts(answer: bytes) -> SourceFacts:
    try:
        said = json.loads(answer)
    except ValueError as error:
        raise EncodeFailed("the probe gave no answer") from error
    if "reason" in said:
        raise BadMedia(said["reason"], said["message"])
    return SourceFacts.from_json(said["facts"])
