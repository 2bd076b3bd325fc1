"""A source may be larger than the room a worker has."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from services.transcode.worker.objects import S3Objects
from tests.integration.transcode_reading.bench import KEY, Bench, Counted

if TYPE_CHECKING:
    from pathlib import Path

    from meshkit.objects import Objects
    from tests.clips import Clips

MIB = 1 << 20
FRAMES = 228


@dataclass
class Watched(Counted):
    """Looks how much room is taken each time that a segment is stored."""

    scratch: Path | None = None
    most: int = 0

    async def store(self, key: str, body: bytes) -> None:
        assert self.scratch is not None
        taken = sum(each.lstat().st_blocks * 512 for each in self.scratch.rglob("*"))
        self.most = max(self.most, taken)
        await super().store(key, body)


async def test_five_times_the_room_is_no_matter(clips: Clips, bench: Bench, objects: Objects) -> None:
    """As 5 GiB are to a worker with 1 GiB."""
    room = 64 * MIB
    small = clips.barcoded("small.mp4", frames=FRAMES)
    raw = ("-c:v", "rawvideo", "-pix_fmt", "yuv420p", "-c:a", "pcm_s16le")
    file = clips.made("raw.mkv", "-i", str(small), "-vf", "scale=1280:720:flags=neighbor", *raw)
    size = file.stat().st_size
    assert size > 4.6 * room
    await objects.upload(file, KEY, "video/x-matroska", "no-store")
    store = Watched(S3Objects(objects), scratch=bench.scratch)
    worker = bench.worker(store, whole_bytes=room, scratch_bytes=room)
    facts = await bench.probed(worker, size, file.name)
    with file.open("rb") as content:
        assert facts.sha256 == hashlib.file_digest(content, "sha256").hexdigest()
    assert store.bytes_read <= 1.05 * size
    made = [track for chunk in bench.plan(facts).chunks for track in await bench.encoded(worker, size, chunk)]
    assert sum(each.frames for track in made for each in track.segments) == FRAMES
    assert store.most < MIB, "neither source nor outputs lie on the disk"
    file.unlink()


async def test_a_small_source_is_fetched_once_and_kept(clips: Clips, bench: Bench, objects: Objects) -> None:
    file = clips.barcoded("small.mp4", frames=FRAMES)
    await objects.upload(file, KEY, "video/mp4", "no-store")
    size = file.stat().st_size
    store = Counted(S3Objects(objects))
    worker = bench.worker(store, whole_bytes=64 * MIB)
    facts = await bench.probed(worker, size, file.name)
    await objects.delete_prefix(KEY)
    await bench.encoded(worker, size, bench.plan(facts).chunks[0])
    assert store.bytes_read == size
