"""What waits for workers is shown in seconds and in numbers, and what becomes of jobs is counted."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from meshkit.metrics import REGISTRY
from services.transcode.scheduler.observed import _LIVE, Waiting

if TYPE_CHECKING:
    from pathlib import Path

    from tests.integration.transcode.studio import Studio

pytestmark = pytest.mark.usefixtures("address")


async def test_a_task_that_waits_is_seen_to_wait(studio: Studio, clip: Path) -> None:
    began = time.time()
    job = await studio.job_of(await studio.bring_in(clip))
    await Waiting(studio.db).look()
    assert shown("reelmesh_tasks", kind="probe", state="queued") >= 1
    assert 0 < shown("reelmesh_task_queue_age_seconds", kind="probe") <= time.time() - began + 1
    assert shown("reelmesh_task_queue_age_seconds", kind="encode_audio") == 0
    cancelled = shown("reelmesh_job_ended_total", state="cancelled", reason="", blame="")
    await studio.cancel(job)
    await Waiting(studio.db).look()
    assert shown("reelmesh_tasks", kind="probe", state="queued") == 0
    assert shown("reelmesh_task_queue_age_seconds", kind="probe") == 0
    assert shown("reelmesh_job_ended_total", state="cancelled", reason="", blame="") == cancelled + 1


async def test_what_is_done_costs_a_look_nothing(studio: Studio) -> None:
    async with studio.db.transaction() as connection:
        await connection.execute(sa.text("SET LOCAL enable_seqscan = off"))
        text = str(_LIVE.compile(connection.sync_engine, compile_kwargs={"literal_binds": True}))
        plan = "\n".join(row[0] for row in await connection.execute(sa.text(f"EXPLAIN {text}")))
    assert "tasks_running" in plan
    assert plan.count("Index") >= 2
    assert "Seq Scan" not in plan
    assert "tasks_pkey" not in plan


def shown(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0.0
