"""Fakes of what the transcode scheduler needs from outside, beside its store."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime

from meshkit.errors import Unavailable

LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass
class FakePlaylists:
    written: list[tuple[str, str, bool]] = field(default_factory=list)
    """Key, text and whether it was final, in order."""
    reachable: bool = True

    async def write(self, key: str, text: str, *, final: bool) -> None:
        # As with a real store, others get a turn meanwhile.
        await asyncio.sleep(0)
        if not self.reachable:
            raise Unavailable("objects_unavailable")
        self.written.append((key, text, final))


@dataclass
class FakeQueue:
    messages: int = 0
    """Those that no worker has."""
    made: datetime = LONG_AGO

    async def drained(self) -> bool:
        return not self.messages

    async def born(self) -> datetime:
        return self.made
