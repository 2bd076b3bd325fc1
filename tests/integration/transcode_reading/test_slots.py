"""A worker of several slots: one process for each, on its own core, and all of them end together."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from local.ports import pick
from services.transcode.worker.ffmpeg import find_ffmpeg
from tests.eventually import eventually

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from local.infra import Infra

SLOTS = 2


@asynccontextmanager
async def started(infra: Infra, scratch: Path, *before: str) -> AsyncIterator[asyncio.subprocess.Process]:
    env = {
        **os.environ,
        "NATS_URL": infra.nats_url,
        "S3_ENDPOINT_URL": infra.s3_endpoint_url,
        "S3_PUBLIC_ENDPOINT_URL": infra.s3_endpoint_url,
        "S3_BUCKET": infra.s3_bucket,
        "S3_ACCESS_KEY_ID": infra.s3_access_key_id,
        "S3_SECRET_ACCESS_KEY": infra.s3_secret_access_key,
        "IDENTITY_ADDR": "127.0.0.1:1",
        "TRANSCODE_ADDR": "127.0.0.1:1",
        "SERVICE_KEY": "rmk_none",
        "GRPC_PORT": str(pick(set(), 1)),
        "SCRATCH_DIR": str(scratch),
        "FFMPEG_PATH": str(find_ffmpeg()),
    }
    argv = [sys.executable, "-m", "services.transcode.worker", "--slots", str(SLOTS)]
    process = await asyncio.create_subprocess_exec(*before, *argv, env=env)
    try:
        await eventually(lambda: len(list(scratch.glob("slot-*/tasks"))) == SLOTS, within=90)
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


def slots_of(process: asyncio.subprocess.Process) -> list[int]:
    return [int(pid) for pid in Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()]


def gone(pids: list[int]) -> bool:
    return not any(Path(f"/proc/{pid}").exists() for pid in pids)


async def test_each_slot_has_a_core_and_a_folder_of_its_own(infra: Infra, tmp_path: Path) -> None:
    async with started(infra, tmp_path) as process:
        slots = slots_of(process)
        assert len(slots) == SLOTS
        cores = [os.sched_getaffinity(slot) for slot in slots]
        assert all(len(each) == 1 for each in cores)
        assert len(set.union(*cores)) == min(SLOTS, len(os.sched_getaffinity(0)))
        process.send_signal(signal.SIGTERM)
        assert await process.wait() == 0
        assert gone(slots)


@pytest.mark.parametrize("slot", range(SLOTS))
async def test_when_one_slot_ends_all_do(slot: int, infra: Infra, tmp_path: Path) -> None:
    async with started(infra, tmp_path) as process:
        slots = slots_of(process)
        os.kill(slots[slot], signal.SIGKILL)
        assert await process.wait() == signal.SIGKILL
        assert gone(slots)


async def test_no_slot_outlives_its_parent(infra: Infra, tmp_path: Path) -> None:
    async with started(infra, tmp_path) as process:
        slots = slots_of(process)
        process.kill()
        await process.wait()
        await eventually(lambda: gone(slots))


async def test_children_that_it_did_not_start_do_not_matter(infra: Infra, tmp_path: Path) -> None:
    """The first process of a container inherits those of others."""
    async with started(infra, tmp_path, "sh", "-c", 'true & exec "$0" "$@"') as process:
        await eventually(lambda: len(slots_of(process)) == SLOTS)
        slots = slots_of(process)
        process.send_signal(signal.SIGTERM)
        assert await process.wait() == 0
        assert gone(slots)
