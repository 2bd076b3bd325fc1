"""Sound is told of while it is encoded, once what is told of is stored."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from meshkit.errors import Conflict, Unavailable
from tests.fakes.transcode_worker import FakeObjects, FakeScheduler
from tests.integration.transcode_reading.bench import KEY, Bench, holding

if TYPE_CHECKING:
    from pathlib import Path

    from services.transcode.worker.domain import StoredTrack, Task
    from tests.clips import Clips


@dataclass
class Watching(FakeScheduler):
    objects: FakeObjects = field(default_factory=FakeObjects)

    async def land(self, task: Task, track: StoredTrack) -> None:
        assert {each.key for each in track.segments} | {track.init_key} <= self.objects.bodies.keys()
        await super().land(task, track)


@pytest.fixture
def file(clips: Clips) -> Path:
    return clips.barcoded("long.mp4", frames=18 * 30)


async def test_twice_as_much_each_time(file: Path, tmp_path: Path) -> None:
    store = holding(file)
    scheduler, size = Watching(objects=store), len(store.bodies[KEY])
    bench = Bench(tmp_path, scheduler)
    worker = bench.worker(store)
    planned = bench.plan(await bench.probed(worker, size, file.name))
    (whole,) = await bench.heard(worker, size, planned)
    assert [len(each.segments) for each in scheduler.landed] == [1, 2, 4]
    for each in scheduler.landed:
        assert each.segments == whole.segments[: len(each.segments)]
        assert (each.init_key, each.codecs, each.timescale) == (whole.init_key, whole.codecs, whole.timescale)


async def test_nobody_has_to_hear_of_it(file: Path, bench: Bench) -> None:
    store = holding(file)
    worker, size = bench.worker(store), len(store.bodies[KEY])
    planned = bench.plan(await bench.probed(worker, size, file.name))
    bench.scheduler.refusals["land"] = Unavailable("unavailable")
    (whole,) = await bench.heard(worker, size, planned)
    assert len(whole.segments) > 4
    bench.scheduler.refusals["land"] = Conflict("stale_epoch")
    with pytest.raises(Conflict, match="stale_epoch"):
        await bench.heard(worker, size, planned)
