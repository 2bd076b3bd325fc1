"""Fakes of what a transcode worker needs from outside."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from meshkit.errors import MeshError, NotFound
from meshkit.ids import new_id
from services.transcode.worker.domain import Kind, Parts, Refused, Task

if TYPE_CHECKING:
    from pathlib import Path

    from services.transcode.worker.domain import StoredTrack
    from services.transcode.worker.notes import Notes
    from services.transcode.worker.ports import Result


def a_claim(**changes: Any) -> Task:
    asset_id, job_id = new_id(), new_id()
    task = Task(
        id=new_id(),
        job_id=job_id,
        kind=Kind.ENCODE_VIDEO,
        epoch=1,
        source_key=f"assets/{asset_id}/source",
        source_size=1000,
        file_name="match.mp4",
        output_prefix=f"assets/{asset_id}/jobs/{job_id}/",
        spec={},
    )
    return replace(task, **changes)


@dataclass
class FakeTicket:
    answers: list[str] = field(default_factory=list)
    """`keep`, `done` or `back <seconds>`, in order."""

    async def keep(self) -> None:
        self.answers.append("keep")

    async def done(self) -> None:
        self.answers.append("done")

    async def back(self, delay: float) -> None:
        self.answers.append(f"back {delay:g}")

    @property
    def answer(self) -> str:
        """The last word; empty while there was none."""
        return next((each for each in reversed(self.answers) if each != "keep"), "")


@dataclass
class FakeQueue:
    tickets: list[FakeTicket | None] = field(default_factory=list)
    """None stands for a wait in vain."""
    idle: asyncio.Event = field(default_factory=asyncio.Event)
    """Set once every ticket was taken and another was asked for: the worker has done all there was."""

    async def next(self, *, wait: bool = True) -> FakeTicket | None:
        if not self.tickets and not wait:
            return None
        if not self.tickets:
            self.idle.set()
            await asyncio.Event().wait()
        return self.tickets.pop(0)


@dataclass
class FakeScheduler:
    """Gives out `claims` in order. An error in `refusals`, by the name of a call, is what that call raises."""

    claims: list[Task | Refused] = field(default_factory=list)
    refusals: dict[str, MeshError] = field(default_factory=dict)
    made: dict[str, tuple[str, str, tuple[str, ...]]] = field(default_factory=dict)
    """What there is of each rendition: its init segment's key, codecs, the segments' keys."""
    cancelled: bool = False
    beats: list[float] = field(default_factory=list)
    said: list[tuple[Any, ...]] = field(default_factory=list)
    """Ends that were heard, as the call's name and what it brought."""
    noted: list[tuple[str, str, str, str]] = field(default_factory=list)
    landed: list[StoredTrack] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    """Those that claim or complete, in order."""

    async def claim(self) -> Task | Refused:
        self.calls.append("claim")
        return self._claim()

    async def beat(self, task: Task, progress: float) -> bool:
        self.beats.append(progress)
        self._answer("beat")
        return not self.cancelled

    async def land(self, task: Task, track: StoredTrack) -> None:
        self._answer("land")
        self.landed.append(track)

    async def complete(self, task: Task, result: Result) -> None:
        self.calls.append("complete")
        self._complete(result)

    async def complete_and_claim(self, task: Task, result: Result) -> Task | Refused:
        self.calls.append("complete_and_claim")
        self._complete(result)
        return self._claim()

    async def parts(self, task: Task, rendition: str, start: int, count: int = 0) -> Parts:
        init_key, codecs, keys = self.made[rendition]
        return Parts(init_key=init_key, codecs=codecs, keys=keys[start : start + (count or 2)])

    async def fail(self, task: Task, reason: str, message: str, *, retryable: bool) -> None:
        self._answer("fail")
        self.said.append(("failed", reason, retryable))

    async def note(self, task: Task, outcome: str, error_code: str, notes: Notes) -> None:
        self._answer("note")
        self.noted.append((outcome, error_code, notes.command, notes.log))

    async def release(self, task: Task) -> None:
        self._answer("release")
        self.said.append(("released",))

    def _claim(self) -> Task | Refused:
        self._answer("claim")
        return self.claims.pop(0)

    def _complete(self, result: Result) -> None:
        self._answer("complete")
        self.said.append(("completed", result))

    def _answer(self, call: str) -> None:
        if error := self.refusals.get(call):
            raise error


@dataclass
class FakeObjects:
    bodies: dict[str, bytes] = field(default_factory=dict)
    fetched: list[str] = field(default_factory=list)
    """Keys, in order."""

    async def fetch(self, key: str, path: Path) -> None:
        self.fetched.append(key)
        if key not in self.bodies:
            raise NotFound("object_not_found")
        await asyncio.to_thread(path.write_bytes, self.bodies[key])

    async def read(self, key: str, start: int, size: int) -> bytes:
        if key not in self.bodies:
            raise NotFound("object_not_found")
        return self.bodies[key][start : start + size]

    async def store(self, key: str, body: bytes) -> None:
        self.bodies[key] = body

    async def store_file(self, key: str, path: Path, content_type: str) -> None:
        self.bodies[key] = await asyncio.to_thread(path.read_bytes)
