"""Delete what is of no use: what attempts that never landed stored, and all that a lost job made."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Protocol

from meshkit.clock import utc_now
from meshkit.errors import MeshError
from services.transcode.media.preset import Preset
from services.transcode.scheduler.domain import JOB_LOST, RETRY_WITHIN, JobState

if TYPE_CHECKING:
    from collections.abc import Callable, Set
    from datetime import datetime

    from services.transcode.scheduler.ports import Store

AT_ONCE = 50
_MARGIN = timedelta(minutes=1)
"""Whoever retries a job may have looked at another clock."""
# As workers name them, below a rendition or an attempt. Whatever else lies below the job's prefix is not theirs.
_MADE_BY_WORKERS = re.compile(
    r"(copied/)?([^/]+/(\d{6,}-\d+\.m4s|init-[0-9a-f]{16}\.mp4)|files/[0-9a-f-]{36}-\d+/[^/]+)"
    r"|subtitles/[0-9a-f]{16}\.json"
)


class Outputs(Protocol):
    async def delete_prefix(self, prefix: str, only: Callable[[str], bool]) -> int:
        """Of the objects below `prefix` those whose key `only` is true of; how many there were."""
        ...


class Collecting:
    def __init__(self, store: Store, outputs: Outputs, now: Callable[[], datetime] = utc_now) -> None:
        self._store = store
        self._outputs = outputs
        self._now = now

    async def collect(self, job_id: str) -> None:
        """Of a job that succeeded; of any other, nothing: its attempts may still land.

        What a frozen worker stores after this stays.
        """
        async with self._store.transaction() as tx:
            job = await tx.job(job_id)
            if job is None or job.state is not JobState.SUCCEEDED:
                return
            wanted = {file.key for file in await tx.files(job_id)}
            # What was encoded only to be joined into files has done its part.
            if Preset.from_json(dict(job.recipe)).stream:
                wanted |= {segment.key for segment in await tx.segments(job_id)}
                wanted |= {rendition.init_key for rendition in await tx.renditions(job_id)}
        prefix = job.object_prefix
        await self._outputs.delete_prefix(prefix, lambda key: left_over(key, prefix, wanted))

    async def sweep(self) -> None:
        """Of failed and cancelled jobs that can no longer be retried, everything: nothing shows it."""
        async with self._store.transaction() as tx:
            lost = await tx.lost(self._now() - RETRY_WITHIN - _MARGIN, AT_ONCE)
        failure: MeshError | None = None
        for job in lost:
            try:
                await self._outputs.delete_prefix(job.object_prefix, lambda _: True)
                await self._swept(job.id)
            except MeshError as error:
                # One folder's trouble shall not hold up the others.
                failure = error
        if failure:
            raise failure

    async def _swept(self, job_id: str) -> None:
        async with self._store.transaction() as tx:
            job = await tx.job(job_id, lock=True)
            if job is not None and job.state in JOB_LOST:
                await tx.save_job(replace(job, collected=True))


def left_over(key: str, prefix: str, wanted: Set[str]) -> bool:
    return key not in wanted and _MADE_BY_WORKERS.fullmatch(key.removeprefix(prefix)) is not None
