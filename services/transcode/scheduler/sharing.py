"""One job for the same bytes and the same recipe: whoever comes second takes over what the first one made.

It copies the objects into a folder of its own, inside the store, so that either asset can go without the other.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

from meshkit.clock import utc_now
from meshkit.errors import MeshError, NotFound
from services.transcode.media.preset import Preset
from services.transcode.scheduler.domain import JobState, worth_telling
from services.transcode.scheduler.starting import encode, start

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence
    from datetime import datetime

    from services.transcode.scheduler.domain import Job
    from services.transcode.scheduler.file import File
    from services.transcode.scheduler.ports import Store, Transaction
    from services.transcode.scheduler.rendition import Rendition, Segment

AT_ONCE = 100
COPIED = "copied/"
"""Below a job's folder: no attempt at a task of its own writes there."""


class Copies(Protocol):
    async def copy_all(self, pairs: Mapping[str, tuple[str, int]]) -> None:
        """From each key to another one, with its size. Raises NotFound, Unavailable."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """All that a job made."""

    renditions: Sequence[Rendition]
    segments: Sequence[Segment]
    files: Sequence[File]

    def objects(self) -> dict[str, int]:
        """Keys and sizes in bytes; an init segment is small."""
        sizes = {each.init_key: 0 for each in self.renditions}
        sizes |= {each.key: each.size for each in self.segments}
        return sizes | {each.key: each.size for each in self.files if each.key}

    def moved(self, job: Job, key: Callable[[str], str]) -> Made:
        return Made(
            renditions=[replace(each, job_id=job.id, init_key=key(each.init_key)) for each in self.renditions],
            segments=[each._replace(key=key(each.key)) for each in self.segments],
            files=[replace(each, key=key(each.key) if each.key else "") for each in self.files],
        )


class Sharing:
    """Any number may run: what is done twice is the same as once."""

    def __init__(self, store: Store, copies: Copies, now: Callable[[], datetime] = utc_now) -> None:
        self._store = store
        self._copies = copies
        self._now = now

    async def run_once(self) -> None:
        """Look at the jobs that wait for others, and go on with those whose other is over."""
        async with self._store.at_once() as tx:
            waiting = await tx.waiting_jobs(AT_ONCE)
        failure: MeshError | None = None
        for job in waiting:
            try:
                await self._settle(job)
            except MeshError as error:
                # One job's trouble shall not hold up the others.
                failure = error
        if failure:
            raise failure

    async def _settle(self, job: Job) -> None:
        async with self._store.transaction() as tx:
            other = await tx.job(job.same_as or "")
            made = await _made(tx, other) if other and other.state is JobState.SUCCEEDED else None
        if other is None or (other.over and made is None):
            await self._go_on(job, start)
        elif made is None:
            await self._tell_progress(job, other)
        else:
            await self._take_over(job, other, made)

    async def _take_over(self, job: Job, other: Job, made: Made) -> None:
        def key(of: str) -> str:
            return f"{job.object_prefix}{COPIED}{of.removeprefix(other.object_prefix).removeprefix(COPIED)}"

        try:
            await self._copies.copy_all({of: (key(of), size) for of, size in made.objects().items()})
        except NotFound:
            # The other's asset is being purged.
            await self._go_on(job, encode)
            return
        mine = made.moved(job, key)
        async with self._store.transaction() as tx:
            waiting = await self._waiting(tx, job)
            if waiting is None:
                return
            await tx.add_renditions(mine.renditions)
            await tx.add_segments(job.id, mine.segments)
            await tx.add_files(job.id, mine.files)
            took = waiting.took(other, self._now())
            took = took.made(each.output(job.id) for each in mine.files)
            await tx.save_job(took)
            await tx.say_grown(took)

    async def _go_on(self, job: Job, how: Callable[..., Awaitable[None]]) -> None:
        """Do what the other did not, or no longer has."""
        async with self._store.transaction() as tx:
            if waiting := await self._waiting(tx, job):
                await how(tx, replace(waiting, same_as=None), waiting.facts or {}, self._now())

    async def _tell_progress(self, job: Job, other: Job) -> None:
        now = self._now()
        if other.progress <= job.progress or not worth_telling(job.progress_time, now):
            return
        async with self._store.transaction() as tx:
            if waiting := await self._waiting(tx, job):
                told = replace(waiting, progress=max(waiting.progress, other.progress), update_time=now).told(now)
                await tx.save_job(told)
                await tx.say(told, "progressed")

    async def _waiting(self, tx: Transaction, job: Job) -> Job | None:
        """The job, locked, if it still waits for the same one."""
        found = await tx.job(job.id, lock=True)
        return found if found and not found.over and found.same_as == job.same_as else None


async def _made(tx: Transaction, job: Job) -> Made:
    files = await tx.files(job.id)
    if not Preset.from_json(dict(job.recipe)).stream:
        # What was joined into them is gone.
        return Made(renditions=[], segments=[], files=files)
    return Made(renditions=await tx.renditions(job.id), segments=await tx.segments(job.id), files=files)
