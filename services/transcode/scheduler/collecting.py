"""Delete what attempts that never landed left of a job: segments that no playlist names, files that nobody has."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Protocol

from services.transcode.scheduler.domain import JobState

if TYPE_CHECKING:
    from collections.abc import Callable, Set

    from services.transcode.scheduler.ports import Store

# As workers name them, below a rendition or an attempt. Whatever else lies below the job's prefix is not theirs.
_MADE_BY_WORKERS = re.compile(r"[^/]+/(\d{6,}-\d+\.m4s|init-[0-9a-f]{16}\.mp4)|files/[0-9a-f-]{36}-\d+/[^/]+")


class Outputs(Protocol):
    async def delete_prefix(self, prefix: str, only: Callable[[str], bool]) -> int:
        """Of the objects below `prefix` those whose key `only` is true of; how many there were."""
        ...


class Collecting:
    def __init__(self, store: Store, outputs: Outputs) -> None:
        self._store = store
        self._outputs = outputs

    async def collect(self, job_id: str) -> None:
        """Of a job that succeeded; of any other, nothing: its attempts may still land.

        What a frozen worker stores after this stays.
        """
        async with self._store.transaction() as tx:
            job = await tx.job(job_id)
            if job is None or job.state is not JobState.SUCCEEDED:
                return
            wanted = {segment.key for segment in await tx.segments(job_id)}
            wanted |= {rendition.init_key for rendition in await tx.renditions(job_id)}
            wanted |= {file.key for file in await tx.files(job_id)}
        prefix = job.object_prefix
        await self._outputs.delete_prefix(prefix, lambda key: left_over(key, prefix, wanted))


def left_over(key: str, prefix: str, wanted: Set[str]) -> bool:
    return key not in wanted and _MADE_BY_WORKERS.fullmatch(key.removeprefix(prefix)) is not None
