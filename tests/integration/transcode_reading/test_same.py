"""A stream made of a source that is read in ranges is the same, byte for byte."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from services.transcode.media.preset import Preset, PresetRung, PresetVideo
from tests.clips.library import X264
from tests.integration.transcode_reading.bench import Bench, Counted, holding

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from services.transcode.worker.domain import StoredTrack
    from services.transcode.worker.execute import Executor
    from tests.clips import Clips

TINY = Preset(
    name="tiny",
    video=(
        PresetVideo(
            rungs=(PresetRung(short_side=144, maxrate=600_000), PresetRung(short_side=90, maxrate=300_000)),
            speed="ultrafast",
        ),
    ),
    gop_seconds=1,
    chunk_seconds=2,
)
SOURCES: dict[str, Callable[[Clips], Path]] = {
    "mp4": lambda clips: clips.barcoded("a.mp4", frames=150),
    "mp4 in fragments": lambda clips: clips.barcoded(
        "b.mp4", frames=150, output=("-movflags", "+frag_keyframe+empty_moov")
    ),
    "mkv": lambda clips: clips.barcoded("a.mkv", frames=150, video=(*X264, "-x264-params", "open-gop=1")),
    "transport stream": lambda clips: clips.barcoded("a.ts", frames=150),
    "avi": lambda clips: clips.barcoded("a.avi", frames=60, video=("-c:v", "mpeg4"), audio=("-c:a", "ac3")),
    "ogg": lambda clips: clips.barcoded("a.ogv", frames=60, video=("-c:v", "libtheora"), audio=("-c:a", "libvorbis")),
}


@pytest.mark.parametrize("kind", SOURCES)
async def test_ranges_change_nothing(kind: str, clips: Clips, bench: Bench) -> None:
    file = SOURCES[kind](clips)
    bench.preset = TINY
    store = Counted(holding(file))
    in_ranges = await whole_stream(bench, bench.worker(store), store, file)
    assert store.bytes_read
    store.start_again()
    as_file = await whole_stream(bench, bench.worker(store, whole_bytes=1 << 30), store, file)
    assert store.bytes_read == file.stat().st_size
    assert in_ranges == as_file


async def whole_stream(bench: Bench, worker: Executor, store: Counted, file: Path) -> list[object]:
    size = file.stat().st_size  # noqa: ASYNC240 - of no consequence in a test
    facts = await bench.probed(worker, size, file.name)
    planned = bench.plan(facts)
    made: list[StoredTrack] = []
    for chunk in planned.chunks:
        made += await bench.encoded(worker, size, chunk)
    made += await bench.heard(worker, size, planned)
    bodies = [await store.inner.read(each.key, 0, each.size) for track in made for each in track.segments]
    return [facts, bodies, [(each.rendition, each.codecs, each.timescale) for each in made]]
