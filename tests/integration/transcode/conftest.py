"""A scheduler for each module, workers to start, and clips to bring in."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from meshkit.ids import new_id
from services.transcode.scheduler.main import Settings, main
from tests.clips import Clips
from tests.integration.transcode.studio import Studio
from tests.integration.transcode.workers import Workers
from tests.serving import free_port, serving

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from pathlib import Path

    from local.infra import Infra
    from meshkit.db import Database
    from meshkit.nats import Bus
    from meshkit.objects import Objects
    from meshkit.settings import S3Settings


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def settings(
    infra: Infra,
    s3_settings: S3Settings,
    identity_addr: str,
    database_url: Callable[[str], Awaitable[str]],
    alone: None,
) -> Settings:
    return Settings(
        grpc_port=free_port(),
        database_url=await database_url("transcode"),
        nats_url=infra.nats_url,
        identity_addr=identity_addr,
        task_lease=5.0,
        reconcile_interval=1.0,
        **s3_settings.model_dump(),
    )


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def address(settings: Settings, bus: Bus) -> AsyncIterator[str]:
    async with serving(main, settings) as address:
        yield address


@pytest_asyncio.fixture(loop_scope="session")
async def studio(
    settings: Settings, bus: Bus, objects: Objects, database: Callable[[str], Awaitable[Database]]
) -> Studio:
    return Studio(f"127.0.0.1:{settings.grpc_port}", new_id(), bus, objects, await database("transcode"))


@pytest.fixture
def workers(infra: Infra, objects: Objects, tmp_path: Path) -> Workers:
    return Workers(infra, objects, tmp_path)


@pytest.fixture(scope="session")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Clips:
    return Clips(tmp_path_factory.mktemp("clips"))


@pytest.fixture(scope="session")
def clip(clips: Clips) -> Path:
    """Ten seconds with sound: two chunks of one rung, and the audio."""
    return clips.barcoded("match.mp4", frames=150, rate="15")


@pytest.fixture(scope="session")
def slow_clip(clips: Clips) -> Path:
    """One chunk that takes a core many seconds."""
    lavfi = ("-f", "lavfi", "-i", "testsrc2=s=1920x1080:r=60:d=5")
    return clips.made("slow.mp4", *lavfi, "-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p")
