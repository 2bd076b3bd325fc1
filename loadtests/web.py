"""Web capacity: ever more users of the API, while nothing is encoded, until the objectives are missed."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from bench.figures import say
from bench.transcode.noop import idling
from loadtests.report import read_step, steps_page
from local.mesh import running_mesh

if TYPE_CHECKING:
    from collections.abc import Sequence

    from loadtests.report import Step

FILE = Path(__file__).with_name("locustfile.py")
STEPS = "5,10,20,40,80,160,320"
SECONDS_EACH = "30"
LONGEST = 300
"""Seconds of a step, at most."""
SLOTS = 4
VIDEO_SECONDS = 20
"""That every source is said to last: a few chunks and the sound."""
UNLIMITED = '{"read": "", "write": "", "auth": "", "play": ""}'


async def run(folder: Path) -> None:
    steps = [int(each) for each in os.environ.get("STEPS", STEPS).split(",")]
    seconds = float(os.environ.get("SECONDS_EACH", SECONDS_EACH))
    home = folder / "mesh"
    async with running_mesh(home, workers=1, durable=False, env={"RATE_LIMITS": UNLIMITED}) as mesh:
        await mesh.stop("worker-1")
        async with idling(mesh, VIDEO_SECONDS, SLOTS):
            await ramp(mesh.url, mesh.api_key, folder, steps=steps, seconds=seconds)


async def ramp(url: str, api_key: str, folder: Path, *, steps: Sequence[int], seconds: float) -> list[Step]:
    """One run of Locust for each step; the first that misses the objectives is the last."""
    made: list[Step] = []
    for users in steps:
        made.append(await _step(url, api_key, folder, users, min(seconds, LONGEST)))
        step = made[-1]
        say(f"  {users} users: {step.requests_per_second}/s, p95 {step.p95:.3f} s, errors {step.errors:.1%}")
        if not step.held:
            break
    steps_page(folder, made)
    return made


async def _step(url: str, api_key: str, folder: Path, users: int, seconds: float) -> Step:
    told = folder / f"step-{users}.json"
    argv = [sys.executable, "-m", "locust", "-f", str(FILE), "--headless", "--host", url, "--only-summary"]
    argv += ["--users", str(users), "--spawn-rate", str(users), "--run-time", f"{seconds:g}s", "--stop-timeout", "10"]
    argv += ["--html", str(told.with_suffix(".html")), "--json-file", str(told.with_suffix(""))]
    # Failed requests are counted in the report, and are no failure of Locust's.
    argv += ["--exit-code-on-error", "0", "--loglevel", "WARNING"]
    process = await asyncio.create_subprocess_exec(
        *argv, env={**os.environ, "REELMESH_API_KEY": api_key}, stdout=asyncio.subprocess.DEVNULL
    )
    try:
        async with asyncio.timeout(seconds + 60):
            code = await process.wait()
    except BaseException:
        process.kill()
        await process.wait()
        raise
    if code:
        raise RuntimeError(f"locust ended with {code}")
    return await asyncio.to_thread(read_step, told, users, seconds)
