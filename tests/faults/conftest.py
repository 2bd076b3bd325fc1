"""A mesh that outlives whatever is done to it, and jobs to do it to."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio
from reelmesh_client import Client

from local.mesh import RunningMesh, running_mesh
from tests.clips import Clips, pictures
from tests.faults.disturbed import LEASE, Disturbed, Stream, begun

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

SEVERAL_CHUNKS = 600
"""Frames: two chunks of 4 s, one of 8, one of 4."""
ONE_CHUNK = 239
"""Frames: a rest shorter than a GOP stays with the chunk before it."""
Begin = Callable[[int], Awaitable[Disturbed]]
"""Uploads a source of so many frames, and gives its job once it is there."""


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def shared_mesh(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[RunningMesh]:
    env = {"TASK_LEASE": str(LEASE), "WEBHOOK_TIMEOUT": "2"}
    async with running_mesh(tmp_path_factory.mktemp("mesh"), workers=2, env=env) as running:
        yield running


@pytest_asyncio.fixture(loop_scope="session")
async def mesh(shared_mesh: RunningMesh) -> RunningMesh:
    """All of it ready, whatever happened in the test before."""
    await shared_mesh.wait_ready()
    return shared_mesh


@pytest.fixture(scope="package")
def client(shared_mesh: RunningMesh) -> Iterator[Client]:
    with Client(shared_mesh.url, shared_mesh.api_key) as made:
        yield made


@pytest.fixture(scope="package")
def source(tmp_path_factory: pytest.TempPathFactory) -> Callable[[int], Path]:
    """Every picture carries its number; there are enough pixels that a chunk takes a while."""
    clips = Clips(tmp_path_factory.mktemp("clips"))
    large = "scale=960:540:flags=neighbor"
    return lambda frames: clips.barcoded(f"{frames}.mp4", frames=frames, filters=large)


@pytest_asyncio.fixture(loop_scope="session")
async def begin(
    mesh: RunningMesh,
    client: Client,
    source: Callable[[int], Path],
    undisturbed: dict[int, Stream],
    tmp_path: Path,
) -> Begin:
    async def begin(frames: int) -> Disturbed:
        file = await asyncio.to_thread(source, frames)
        if frames not in undisturbed:
            undisturbed[frames] = await in_peace(await begun(mesh, client, file), frames, tmp_path)
        return await begun(mesh, client, file, undisturbed[frames])

    return begin


@pytest.fixture(scope="package")
def undisturbed() -> dict[int, Stream]:
    """Streams that came to be while nothing happened, by their sources' frames."""
    return {}


async def in_peace(run: Disturbed, frames: int, folder: Path) -> Stream:
    """The stream has each picture of its source once, in order."""
    await run.ended()
    stream = await run.stream()
    played = await asyncio.to_thread(run.play, folder)
    shown = await asyncio.to_thread(pictures, played.video)
    assert [picture.number for picture in shown] == list(range(frames))
    return stream
