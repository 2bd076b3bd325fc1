"""Jobs by every preset over every kind of file, begun a few files ahead of whoever looks at them."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.e2e.kinds import KINDS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reelmesh_client import Client

    from tests.clips import Clips
    from tests.e2e.asking import Asking, Job, Output

AHEAD = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A job as it ended, and its outputs by their names."""

    job: Job
    outputs: dict[str, Output]


@dataclass(frozen=True, slots=True)
class Matrix:
    asking: Asking
    client: Client
    clips: Clips
    presets: Sequence[str]
    _begun: dict[str, asyncio.Task[dict[str, Made]]] = field(default_factory=dict)

    async def made(self, kind: str, preset: str) -> Made:
        names = list(KINDS)
        place = names.index(kind)
        for each in names[place : place + 1 + AHEAD]:
            if each not in self._begun:
                self._begun[each] = asyncio.create_task(self._all_of(each))
        return (await self._begun[kind])[preset]

    async def close(self) -> None:
        for each in self._begun.values():
            each.cancel()
        await asyncio.gather(*self._begun.values(), return_exceptions=True)

    async def _all_of(self, kind: str) -> dict[str, Made]:
        """The file is uploaded once; its first job is by the first preset."""
        file = await asyncio.to_thread(KINDS[kind].file, self.clips)
        asset_id = await asyncio.to_thread(self.client.upload_file, file, preset=self.presets[0])
        first = await self.asking.own_job(asset_id)
        others = [self.asking.queued(asset_id, preset=preset) for preset in self.presets[1:]]
        jobs = await self.asking.ended(asset_id, [first, *await asyncio.gather(*others)])
        outputs = await self.asking.outputs(asset_id, jobs)
        return {
            preset: Made(job=job, outputs=outputs[job["id"]]) for preset, job in zip(self.presets, jobs, strict=True)
        }
