"""What all results of a rendition have in common: one init segment, codec and timescale."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from services.transcode.scheduler.ports import Transaction
    from services.transcode.scheduler.rendition import Result

_MOST_KNOWN = 10_000


class Describing:
    """The first result of a rendition describes it for good, so that what was read of it once is remembered."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], tuple[str, str, int]] = {}

    async def describe(self, tx: Transaction, job_id: str, results: Sequence[Result]) -> None:
        """Raises Conflict (`init_mismatch`) when a result does not go with those before it."""
        if all(self._known.get((job_id, each.rendition)) == _what(each) for each in results):
            return
        stored = {rendition.name: rendition for rendition in await tx.renditions(job_id)}
        for result in results:
            before = stored[result.rendition]
            after = before.described(*_what(result))
            if after != before:
                await tx.save_rendition(after)
            else:
                self._remember(job_id, result)

    def _remember(self, job_id: str, result: Result) -> None:
        if len(self._known) >= _MOST_KNOWN:
            self._known.clear()
        self._known[job_id, result.rendition] = _what(result)


def _what(result: Result) -> tuple[str, str, int]:
    return result.init_key, result.codec, result.timescale
