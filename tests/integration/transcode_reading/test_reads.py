"""What one chunk costs to read: little more than its own bytes, wherever the index of the file lies."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from services.transcode.worker.objects import S3Objects
from tests.integration.transcode_reading.bench import KEY, Bench, Counted

if TYPE_CHECKING:
    from pathlib import Path

    from meshkit.objects import Objects
    from services.transcode.media.plan import VideoChunk
    from tests.clips import Clips

SECONDS = 44
MIB = 1 << 20
NOISE = ("-f", "lavfi", "-i", f"testsrc2=s=640x360:r=30:d={SECONDS},noise=alls=60:allf=t")
TONE = ("-f", "lavfi", "-i", f"sine=d={SECONDS}")
RATE = ("-b:v", "6M", "-maxrate", "6M", "-bufsize", "6M", "-g", "60", "-pix_fmt", "yuv420p")
WAYS = {
    "mp4, index at the end": ("end.mp4", ()),
    "mp4, index in front": ("front.mp4", ("-movflags", "+faststart")),
    "mkv": ("a.mkv", ()),
    "transport stream": ("a.ts", ()),
}


def steady(clips: Clips, way: str) -> Path:
    """Every second of it weighs the same."""
    made = clips.made("base.mkv", *NOISE, *TONE, "-c:v", "libx264", "-preset", "ultrafast", *RATE, "-c:a", "aac")
    name, options = WAYS[way]
    return clips.made(name, "-i", str(made), "-c", "copy", *options)


@pytest.mark.parametrize("way", WAYS)
async def test_a_chunk_reads_little_more_than_its_own_bytes(
    way: str, clips: Clips, bench: Bench, objects: Objects
) -> None:
    file = steady(clips, way)
    size = file.stat().st_size
    await objects.upload(file, KEY, "video/mp4", "no-store")
    store = Counted(S3Objects(objects))

    facts = await bench.probed(bench.worker(store), size, file.name)
    assert store.bytes_read <= 1.05 * size, "the probe reads everything once, and hashes what passes by"

    planned = bench.plan(facts)
    bytes_per_second = size / float(facts.duration)
    for chunk in (planned.chunks[1], planned.chunks[3]):
        # A worker that has done another chunk before has the index; it keeps no more than that.
        worker = bench.worker(store, read_cache_bytes=16 * MIB)
        far = planned.chunks[(chunk.index + 3) % len(planned.chunks)]
        await bench.encoded(worker, size, far)
        store.start_again()
        await bench.encoded(worker, size, chunk)
        # What ffmpeg has in its queues when it has seen the last frame weighs more in a short chunk.
        most = 1.4 if seconds(chunk) == 8 else 1.5
        assert store.bytes_read <= most * seconds(chunk) * bytes_per_second, chunk


def seconds(chunk: VideoChunk) -> float:
    return float(chunk.frames / chunk.rate)


async def test_a_first_chunk_reads_the_index_too(clips: Clips, bench: Bench, objects: Objects) -> None:
    for way in WAYS:
        file = steady(clips, way)
        size = file.stat().st_size
        await objects.upload(file, KEY, "video/mp4", "no-store")
        store = Counted(S3Objects(objects))
        facts = await bench.probed(bench.worker(store), size, file.name)
        chunk = bench.plan(facts).chunks[3]
        store.start_again()
        await bench.encoded(bench.worker(store), size, chunk)
        # ffmpeg looks through up to 5 MB of a transport stream to learn what is in it.
        index = 6 * MIB if way == "transport stream" else MIB
        assert store.bytes_read <= 1.5 * seconds(chunk) * size / float(facts.duration) + index, way


async def test_a_worker_that_knows_the_source_reads_nothing_twice(clips: Clips, bench: Bench, objects: Objects) -> None:
    file = steady(clips, "mp4, index at the end")
    size = file.stat().st_size
    await objects.upload(file, KEY, "video/mp4", "no-store")
    store = Counted(S3Objects(objects))
    worker = bench.worker(store)
    facts = await bench.probed(worker, size, file.name)
    for chunk in bench.plan(facts).chunks:
        await bench.encoded(worker, size, chunk)
    assert store.bytes_read == size
