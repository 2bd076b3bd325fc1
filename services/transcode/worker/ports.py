"""What a worker needs from outside."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from pathlib import Path

    from services.transcode.media.facts import SourceFacts
    from services.transcode.media.findings import PicturePart, SoundPart
    from services.transcode.worker.domain import Parts, Refused, StoredFile, StoredTrack, Task
    from services.transcode.worker.notes import Notes


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
    async def next(self) -> Ticket | None:
        """The next message, or None after waiting a while. Raises Unavailable."""
        ...


class Scheduler(Protocol):
    """Raises Conflict (`stale_epoch`) when the task is no longer ours, Unavailable when it cannot be asked."""

    async def claim(self) -> Task | Refused:
        """The task whose turn it is."""
        ...

    async def beat(self, task: Task, progress: float) -> bool:
        """Whether to go on: False once the job was cancelled."""
        ...

    async def complete_probe(self, task: Task, facts: SourceFacts) -> None: ...
    async def complete_encode(self, task: Task, tracks: list[StoredTrack]) -> None: ...
    async def complete_files(self, task: Task, files: list[StoredFile]) -> None: ...
    async def complete_analysis(self, task: Task, part: PicturePart | SoundPart) -> None: ...
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
