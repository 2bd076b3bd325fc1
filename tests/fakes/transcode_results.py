"""Fake of the part of the scheduler's Store that keeps what tasks made."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from services.transcode.scheduler.file import File
    from services.transcode.scheduler.rendition import Rendition, Segment


@dataclass(kw_only=True)
class FakeResults:
    rungs: dict[tuple[str, str], Rendition] = field(default_factory=dict)
    landed: dict[tuple[str, str, int], Segment] = field(default_factory=dict)
    filed: dict[tuple[str, str], File] = field(default_factory=dict)

    async def add_renditions(self, renditions: Sequence[Rendition]) -> None:
        for each in renditions:
            await self.save_rendition(each)

    async def renditions(self, job_id: str) -> Sequence[Rendition]:
        return sorted((each for each in self.rungs.values() if each.job_id == job_id), key=lambda each: each.place)

    async def save_rendition(self, rendition: Rendition) -> None:
        self.rungs[rendition.job_id, rendition.name] = rendition

    async def add_segments(self, job_id: str, segments: Sequence[Segment]) -> None:
        for each in segments:
            key = (job_id, each.rendition, each.number)
            assert key not in self.landed or each.rendition == "audio", f"segment {key} landed twice"
            self.landed.setdefault(key, each)

    async def segments(self, job_id: str) -> Sequence[Segment]:
        return [each for key, each in sorted(self.landed.items()) if key[0] == job_id]

    async def segment_keys(self, job_id: str, rendition: str, start: int, limit: int) -> Sequence[str]:
        made = [each for each in await self.segments(job_id) if each.rendition == rendition and each.number >= start]
        return [each.key for each in made[:limit]]

    async def add_files(self, job_id: str, files: Sequence[File]) -> None:
        self.filed |= {(job_id, each.name): each for each in files}

    async def files(self, job_id: str) -> Sequence[File]:
        return [each for key, each in sorted(self.filed.items()) if key[0] == job_id]

    async def lock_playlists(self, job_id: str) -> None:
        """Held already: there is one transaction at a time."""
