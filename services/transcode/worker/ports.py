"""What a worker needs from outside."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from services.transcode.media.facts import SourceFacts
    from services.transcode.media.findings import PicturePart, SoundPart
    from services.transcode.worker.domain import Encoded, Filed, Parts, Refused, StoredTrack, Task
    from services.transcode.worker.notes import Notes

    Result = SourceFacts | Encoded | Filed | PicturePart | SoundPart
    Complete = Callable[[Result], Awaitable[None]]


class Ticket(Protocol):
    """A queue message: it entitles to one task. Until it is answered it comes back, sooner or later."""

    async def keep(self) -> None:
        """Not lost: still at it."""
        ...

    async def done(self) -> None:
        """Nobody needs to see it again."""
        ...

    async def back(self, delay: float) -> None:
        """Somebody shall see it again after `delay` seconds."""
        ...


class Queue(Protocol):
    async def next(self, *, wait: bool = True) -> Ticket | None:
        """The next message; None when there is none now, or came none while waiting a while. Raises Unavailable."""
        ...


class Scheduler(Protocol):
    """Raises Conflict (`stale_epoch`) when the task is no longer ours, Unavailable when it cannot be asked."""

    async def claim(self) -> Task | Refused:
        """The task whose turn it is."""
        ...

    async def beat(self, task: Task, progress: float) -> bool:
        """Whether to go on: False once the job was cancelled."""
        ...

    async def land(self, task: Task, track: StoredTrack) -> None:
        """What there is so far of what the task makes."""
        ...

    async def complete(self, task: Task, result: Result) -> None:
        """Returns once it is heard."""
        ...

    async def complete_and_claim(self, task: Task, result: Result) -> Task | Refused:
        """The same in one go with the next claim."""
        ...

    async def parts(self, task: Task, rendition: str, start: int, count: int = 0) -> Parts:
        """Those segments of the task's job that come next from number `start` on; none after the last.

        As many as there may be at once, or `count`.
        """
        ...

    async def fail(self, task: Task, reason: str, message: str, *, retryable: bool) -> None: ...
    async def note(self, task: Task, outcome: str, error_code: str, notes: Notes) -> None: ...
    async def release(self, task: Task) -> None: ...


class Objects(Protocol):
    """Raises NotFound, Unavailable."""

    async def fetch(self, key: str, path: Path) -> None: ...
    async def read(self, key: str, start: int, size: int) -> bytes: ...
    async def store(self, key: str, body: bytes) -> None: ...
    async def store_file(self, key: str, path: Path, content_type: str) -> None: ...
