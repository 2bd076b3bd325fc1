"""Learn a source's facts, in the sandbox: the file may be anything."""

from pathlib import Path

from services.transcode.media.facts import SourceFacts
from services.transcode.media.source import Source
from services.transcode.worker.programs import answer_of, module_of
from services.transcode.worker.sandbox import Limits

_PROGRAM = "read_source"
PROBE = module_of(_PROGRAM)
"""Takes long to load."""


async def probe(source: Source, file_name: str, *, scratch: Path, limits: Limits) -> SourceFacts:
    """The facts of `source`, which was uploaded as `file_name`, after reading all of it, but not its hash.

    In `scratch` are then the packets of its subtitles, by `packets_of` their stream.
    Raises BadMedia with its reason, EncodeFailed when trying again may help.
    """
    said = await answer_of(_PROGRAM, [file_name, str(scratch)], source=source, scratch=scratch, limits=limits)
    return SourceFacts.from_json(said["facts"])
