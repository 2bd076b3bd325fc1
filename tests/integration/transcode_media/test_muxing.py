"""Joining ends, whatever the segments turn out to be."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

import pytest

from services.transcode.media.errors import BadMedia, EncodeFailed
from services.transcode.media.mux import Mux
from services.transcode.worker.domain import Kind
from services.transcode.worker.ffmpeg import find_ffmpeg
from services.transcode.worker.making import Bench
from services.transcode.worker.muxing import mux
from services.transcode.worker.sandbox import Limits
from services.transcode.worker.service import Progress
from tests.fakes.transcode_worker import FakeObjects, FakeScheduler, a_claim

if TYPE_CHECKING:
    from pathlib import Path

WANTED = Mux(
    name="video.mp4",
    container="mp4",
    tracks=("v360", "audio"),
    frames=10,
    duration=Fraction(1),
    delay=Fraction(1, 5),
)


def bench(scratch: Path, *, file_size: int = 1 << 20) -> Bench:
    parts = {name: f"{name}/0.m4s" for name in WANTED.tracks}
    bodies = dict.fromkeys(("init.mp4", *parts.values()), b"no box at all" * 10000)

    def opened() -> None:
        raise AssertionError("nobody reads the source")

    return Bench(
        task=a_claim(kind=Kind.MUX, spec=WANTED.to_json()),
        opened=opened,  # type: ignore[arg-type]  # not to be called
        objects=FakeObjects(bodies),
        scheduler=FakeScheduler(made={name: ("init.mp4", "avc1", (key,)) for name, key in parts.items()}),
        folder=scratch,
        progress=Progress(),
        ffmpeg=find_ffmpeg(),
        limits=Limits(deadline=30, cpu=30, file_size=file_size),
        threads=1,
    )


async def test_segments_that_are_none_fail_the_attempt(scratch: Path) -> None:
    with pytest.raises(EncodeFailed):
        await mux(bench(scratch))


async def test_what_is_larger_than_a_worker_has_room_for_is_refused(scratch: Path) -> None:
    with pytest.raises(BadMedia, match="too_large"):
        await mux(bench(scratch, file_size=1000))
