"""A store that fails in the middle is the store's fault, and never the file's."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from meshkit.errors import MeshError, NotFound, Unavailable
from services.transcode.worker import blocks
from tests.integration.transcode_reading.bench import Bench, Counted, holding

if TYPE_CHECKING:
    from pathlib import Path

    from tests.clips import Clips

AWAY = Unavailable("objects_unavailable", "SlowDown")
PARTS = (0.0, 0.02, 0.5, 0.9)


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocks, "_PAUSE", 0.0)


def sources(clips: Clips) -> list[Path]:
    heavy = ("-c:v", "libx264", "-preset", "ultrafast", "-qp", "1", "-g", "30", "-pix_fmt", "yuv420p")
    return [
        clips.barcoded(name, frames=150, size=(640, 360), video=heavy, output=output)
        for name, output in [("a.mp4", ("-movflags", "+faststart")), ("b.mp4", ()), ("a.mkv", ()), ("a.ts", ())]
    ]


@pytest.mark.parametrize("failure", [AWAY, NotFound("object_not_found")])
async def test_a_probe_that_could_not_read_gives_no_verdict(failure: MeshError, clips: Clips, bench: Bench) -> None:
    for file in sources(clips):
        size = file.stat().st_size
        for part in PARTS:
            store = Counted(holding(file), fails_from=int(part * size), failure=failure)
            with pytest.raises(type(failure)):
                await bench.probed(bench.worker(store), size, file.name)
    assert bench.scheduler.said == []


async def test_an_encode_that_could_not_read_gives_no_verdict(clips: Clips, bench: Bench) -> None:
    for file in sources(clips):
        size = file.stat().st_size
        store = Counted(holding(file))
        planned = bench.plan(await bench.probed(bench.worker(store), size, file.name))
        store.failure, bench.scheduler.said = AWAY, []
        for part in PARTS:
            store.fails_from = int(part * size)
            with pytest.raises(Unavailable):
                await bench.heard(bench.worker(store), size, planned)
            with pytest.raises(Unavailable):
                await bench.encoded(bench.worker(store), size, planned.chunks[-1])
        assert bench.scheduler.said == []


async def test_a_store_that_fails_once_is_asked_again(clips: Clips, bench: Bench) -> None:
    class Hiccups(Counted):
        async def read(self, key: str, start: int, size: int) -> bytes:
            self.failure, was = (None if self.failure else AWAY), self.failure
            if was is None:
                raise AWAY
            return await super().read(key, start, size)

    file = sources(clips)[0]
    size = file.stat().st_size
    facts = await bench.probed(bench.worker(Hiccups(holding(file))), size, file.name)
    assert facts.video is not None
    assert facts.video.frames == 150


async def test_a_store_that_hangs_holds_nothing_up(clips: Clips, bench: Bench) -> None:
    class Hanging(Counted):
        asked = asyncio.Event()

        async def read(self, key: str, start: int, size: int) -> bytes:
            if start:
                self.asked.set()
                await asyncio.Event().wait()
            return await super().read(key, start, size)

    file = sources(clips)[0]
    store = Hanging(holding(file))
    probe = asyncio.create_task(bench.probed(bench.worker(store), file.stat().st_size, file.name))
    await store.asked.wait()
    probe.cancel()
    async with asyncio.timeout(1):
        with pytest.raises(asyncio.CancelledError):
            await probe
