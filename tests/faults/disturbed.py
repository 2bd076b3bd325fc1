"""One job that something happens to, and what must be true of it in spite of that."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import tempfile
import time
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from reelmesh_client import ProblemError, UnreachableError

from local.demo_player import play
from tests.clips import anew
from tests.eventually import eventually
from tests.faults.state import State

if TYPE_CHECKING:
    from collections.abc import Callable

    from reelmesh_client import Client

    from local.demo_player import Played
    from local.mesh import RunningMesh
    from tests.faults.state import Job, Segment, Task

LEASE = 6.0
"""Seconds; what the mesh of these tests is told."""
ELSEWHERE = LEASE + 5.0
"""Seconds within which a dead worker's task runs again."""
POLL = 0.02
log = logging.getLogger("faults")


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """What a player got, and every segment of every rung by its place, size and time."""

    video: str
    audio: str
    segments: frozenset[tuple[str, int, int, int, int]]


@dataclass(kw_only=True)
class Disturbed:
    mesh: RunningMesh
    client: Client
    state: State
    asset_id: str
    job: Job
    undisturbed: Stream | None = None
    """What its source becomes when nothing happens."""
    before: list[Task] = field(default_factory=list)
    """The tasks when it was struck."""

    async def tasks(self) -> list[Task]:
        return await self.state.tasks(self.job.id)

    async def task(self, task: Task) -> Task:
        return next(each for each in await self.tasks() if each.id == task.id)

    async def moment(self, come: Callable[[list[Task]], list[Task]]) -> list[Task]:
        """The tasks that `come` picks, as soon as it picks any; all of them are remembered as they were then."""

        async def look() -> list[Task]:
            self.before = await self.tasks()
            return come(self.before)

        return await eventually(look, within=60, every=POLL)

    async def encoding(self) -> Task:
        """A chunk in the middle of its encode, while another result has landed already."""

        def come(tasks: list[Task]) -> list[Task]:
            landed = any(each.done and each.kind != "probe" for each in tasks)
            return [each for each in tasks if each.encoding] if landed else []

        return (await self.moment(come))[0]

    async def alone(self) -> Task:
        """The one chunk in the middle of its encode, while the other worker has nothing to do."""

        def come(tasks: list[Task]) -> list[Task]:
            return [each for each in tasks if each.encoding] if sum(not each.done for each in tasks) == 1 else []

        return (await self.moment(come))[0]

    async def claimed_anew(self, task: Task, within: float, since: float | None = None) -> Task:
        """The task under its next claim, which came in time: from now on, or from `since` of the monotonic clock."""
        since = since or time.monotonic()

        async def look() -> Task | None:
            now = await self.task(task)
            return now if now.epoch > task.epoch else None

        found = await eventually(look, within=within - (time.monotonic() - since), every=POLL)
        assert found is not None
        log.info("claimed anew after %.2f s", time.monotonic() - since)
        return found

    def holder(self, task: Task) -> str:
        """The name of the worker that holds it."""
        names = {pid: name for name, pid in self.mesh.pids.items()}
        return names[int(task.worker_id.rpartition("-")[2])]

    async def ended(self) -> None:
        async def over() -> bool:
            job = await self.state.job_of(self.asset_id)
            assert job is not None
            self.job = job
            return job.state in {"succeeded", "failed"}

        since = time.monotonic()
        await eventually(over, within=120)
        log.info("over after %.2f s more", time.monotonic() - since)

    async def came_through(self) -> None:
        """It ends as if nothing had happened."""
        await self.ended()
        assert (self.job.state, self.job.error_code) == ("succeeded", "")
        tasks, segments = await self.tasks(), await self.state.segments(self.job.id)
        assert self.job.tasks_done == self.job.tasks_total == len(tasks) - 1
        assert {each.state for each in tasks} == {"succeeded"}
        self._nothing_was_done_again(tasks)
        only_newest_claims_landed(tasks, segments)
        assert await self.stream() == self.undisturbed

    def _nothing_was_done_again(self, tasks: list[Task]) -> None:
        now = {each.id: each for each in tasks}
        for each in self.before:
            if each.done:
                assert now[each.id] == each

    async def stream(self) -> Stream:
        await eventually(self._ready, within=60)
        segments = await self.state.segments(self.job.id)
        return await asyncio.to_thread(self._stream, segments)

    def _stream(self, segments: list[Segment]) -> Stream:
        with tempfile.TemporaryDirectory() as folder:
            played = self.play(Path(folder))
            assert played.audio is not None
            return Stream(
                video=hashlib.sha256(played.video.read_bytes()).hexdigest(),
                audio=hashlib.sha256(played.audio.read_bytes()).hexdigest(),
                segments=frozenset((s.rendition, s.number, s.size, s.start, s.ticks) for s in segments),
            )

    def play(self, folder: Path) -> Played:
        url = self.client.playback(self.asset_id).hls_url
        assert url is not None
        return play(url, folder)

    async def _ready(self) -> bool:
        """The asset hears of its job by events: these have to get through as well."""
        try:
            return (await asyncio.to_thread(self.client.get_asset, self.asset_id)).state == "ready"
        except (ProblemError, UnreachableError) as error:
            raise AssertionError(repr(error)) from error


async def begun(mesh: RunningMesh, client: Client, source: Path, undisturbed: Stream | None = None) -> Disturbed:
    """The source is uploaded, and its job is there."""
    state = State(mesh.infra.database_admin_url)
    asset_id = await asyncio.to_thread(client.upload_file, anew(source))
    job = await eventually(lambda: state.job_of(asset_id), within=30, every=POLL)
    assert job is not None
    return Disturbed(mesh=mesh, client=client, state=state, asset_id=asset_id, job=job, undisturbed=undisturbed)


def only_newest_claims_landed(tasks: list[Task], segments: list[Segment]) -> None:
    """One result for each task, of its newest claim; the rungs without a gap."""
    video = sorted((each for each in tasks if each.kind == "encode_video"), key=lambda each: each.index)
    [audio] = [each for each in tasks if each.kind == "encode_audio"]
    firsts = [each.spec["start_frame"] // each.spec["gop"] for each in video]
    for segment in segments:
        made_by = audio if segment.rendition == "audio" else video[sum(n <= segment.number for n in firsts) - 1]
        assert segment.epoch == made_by.epoch, segment
    for one, other in pairwise(segments):
        if one.rendition == other.rendition:
            assert (other.number, other.start) == (one.number + 1, one.start + one.ticks)
        else:
            assert other.number == 0
