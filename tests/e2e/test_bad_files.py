"""A bad file ends as failed, with a reason, within seconds; the mesh goes on."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from tests.e2e.journey import sent, wrong_with_stream

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from reelmesh_client import Client

    from tests.clips import Clips

WITHIN = 15.0


def cut(clips: Clips) -> Path:
    whole = clips.barcoded("whole.mp4", frames=90, output=("-movflags", "+faststart")).read_bytes()
    return clips.written("cut.mp4", whole[: len(whole) * 6 // 10])


def lying(clips: Clips) -> Path:
    return clips.written("picture.mp4", clips.made("one.png", "-f", "lavfi", "-i", "testsrc2=d=0.04").read_bytes())


BAD: dict[str, tuple[str, Callable[[Clips], Path]]] = {
    "no media": ("not_media", lambda clips: clips.written("text.mp4", b"these are words, and no video\n" * 500)),
    "empty": ("empty_file", lambda clips: clips.written("empty.mp4", b"")),
    "truncated": ("corrupt", cut),
    "a lying extension": ("type_mismatch", lying),
}


@pytest.mark.parametrize("kind", BAD)
async def test_it_fails_with_its_reason(kind: str, client: Client, clips: Clips) -> None:
    reason, make = BAD[kind]
    async with asyncio.timeout(WITHIN):
        asset = await sent(client, make(clips))
    assert asset.state == "failed"
    assert asset.error is not None
    assert asset.error.code == reason


async def test_the_mesh_goes_on(client: Client, clips: Clips) -> None:
    bad, good = clips.written("bad.mkv", b"\x1a\x45\xdf\xa3" + bytes(4000)), clips.barcoded("good.mp4", frames=60)
    failed, ready = await asyncio.gather(sent(client, bad), sent(client, good))
    assert (failed.state, ready.state) == ("failed", "ready")
    assert await wrong_with_stream(client, ready, good) == []
