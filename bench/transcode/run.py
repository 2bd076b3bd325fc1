"""The figures of the transcode engine, as ratios to one ffmpeg process on the same machine."""

from __future__ import annotations

import asyncio
import os
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import uvloop
from reelmesh_client import Client

from bench.figures import Figures, median, say
from bench.transcode import meshed, noop, single
from bench.transcode.quality import fetched, measured
from bench.transcode.source import anew, source
from local.mesh import running_mesh

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from local.mesh import RunningMesh

# With BENCH_QUICK=1 only to see that every part runs: its figures mean nothing.
SECONDS, LONG_SECONDS, PASSAGE_SECONDS = (8, 16, 600) if os.environ.get("BENCH_QUICK") else (64, 600, 36_000)
FOLDER = Path(".reelmesh") / "bench"
_IDLE = 3.0
"""Seconds after which a mesh without work is one that is idle."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """What every part of the benchmark runs on."""

    figures: Figures
    mesh: RunningMesh
    client: Client
    clip: Path
    home: Path
    rounds: int


def run(*, rounds: int, only: list[str]) -> None:
    # As workers do, of which some parts are made here.
    uvloop.run(_run(rounds, only))


async def _run(rounds: int, only: list[str]) -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    figures = Figures("transcode")
    clip = await asyncio.to_thread(source, FOLDER, SECONDS)
    parts: dict[str, Callable[[Course], Awaitable[None]]] = {
        "efficiency": efficiency,
        "scaling": scaling,
        "start": start,
        "playable": playable,
        "quality": quality,
        "passage": passage,
    }
    with tempfile.TemporaryDirectory() as home:
        async with running_mesh(Path(home), workers=2) as mesh:
            with Client(mesh.url, mesh.api_key) as client:
                course = Course(figures=figures, mesh=mesh, client=client, clip=clip, home=Path(home), rounds=rounds)
                for name, part in parts.items():
                    if not only or name in only:
                        say(f"· {name}")
                        await part(course)
    figures.show()


async def efficiency(course: Course) -> None:
    """Two workers of one thread each against one process on both cores, turn by turn."""
    cpu, wall = [], []
    for number in range(course.rounds):
        one = await asyncio.to_thread(single.run, course.clip)
        many = await asyncio.to_thread(meshed.send, course.mesh, course.client, course.clip)
        cpu.append(many.cpu / one.cpu)
        wall.append(many.ready / one.wall)
        say(f"  {number + 1}: one {one.wall:.1f} s, {one.cpu:.1f} CPU-s; mesh {many.ready:.1f} s, {many.cpu:.1f} CPU-s")
    course.figures.add("cpu_ratio", median(cpu), bound="<= 1.05", samples=cpu)
    course.figures.add("wall_ratio", median(wall), bound="<= 1.05", samples=wall)


async def scaling(course: Course) -> None:
    """One worker, then two, each on a core of its own, turn by turn."""
    gains = []
    for number in range(course.rounds):
        await course.mesh.stop("worker-2")
        meshed.pin(course.mesh)
        alone = await asyncio.to_thread(meshed.send, course.mesh, course.client, course.clip)
        await course.mesh.start("worker-2")
        meshed.pin(course.mesh)
        both = await asyncio.to_thread(meshed.send, course.mesh, course.client, course.clip)
        gains.append(alone.ready / both.ready)
        say(f"  {number + 1}: one worker {alone.ready:.1f} s, two {both.ready:.1f} s")
    course.figures.add("scaling_1_to_2", median(gains), bound=">= 1.9", samples=gains)


async def start(course: Course) -> None:
    """From a completed upload to a worker at work, on an idle mesh: its claim, its first program, its first ffmpeg."""
    short = await asyncio.to_thread(source, FOLDER, 2)
    claimed: list[float] = []
    programs: list[float] = []
    encoders: list[float] = []
    for _ in range(4 * course.rounds):
        await asyncio.sleep(_IDLE)
        with meshed.first_starts(course.mesh) as starts:
            asset_id = await asyncio.to_thread(course.client.upload_file, anew(short))
            uploaded = time.time()
            await asyncio.to_thread(meshed.settled, course.client, asset_id)
        [job] = course.client.list_jobs(asset_id=asset_id)
        assert job.start_time is not None
        for samples, moment in (
            (claimed, job.start_time.timestamp()),
            (programs, starts.program),
            (encoders, starts.ffmpeg),
        ):
            samples.append((moment - uploaded) * 1000)
    course.figures.add("upload_to_first_run_ms_p50", median(claimed), bound="<= 100", samples=claimed)
    course.figures.add("upload_to_first_program_ms_p50", median(programs), bound="<= 100", samples=programs)
    course.figures.add("upload_to_first_ffmpeg_ms_p50", median(encoders), samples=encoders)


async def playable(course: Course) -> None:
    """A ten-minute video: when a player can begin, against when all of it is there. One way, as it takes long."""
    long = await asyncio.to_thread(source, FOLDER, LONG_SECONDS)
    way = await asyncio.to_thread(meshed.send, course.mesh, course.client, long)
    course.figures.add("playable_seconds", way.playable)
    course.figures.add("ready_seconds", way.ready)
    course.figures.add("playable_to_ready", way.playable / way.ready, bound="<= 0.05")


async def quality(course: Course) -> None:
    """What the mesh made of the clip against what one process makes, both against the source. Once: it is exact."""
    folder = course.home / "quality"
    folder.mkdir()
    way = await asyncio.to_thread(meshed.send, course.mesh, course.client, course.clip)
    many = await asyncio.to_thread(fetched, course.client.playback(way.asset_id).hls_url, folder)
    one = folder / "one"
    one.mkdir()
    await asyncio.to_thread(single.run, course.clip, one)
    for height, made in many.items():
        chunked = await asyncio.to_thread(measured, made, course.clip, folder)
        whole = await asyncio.to_thread(measured, one / f"v{height}.mp4", course.clip, folder)
        assert chunked.frames == whole.frames, f"{chunked.frames} frames, {whole.frames} of one process"
        say(f"  {height}: one {whole.vmaf:.2f} VMAF, {whole.psnr:.3f} dB; mesh {chunked.vmaf:.2f}, {chunked.psnr:.3f}")
        course.figures.add(f"vmaf_difference_{height}", chunked.vmaf - whole.vmaf, bound="-0.2 to 0.2")
        course.figures.add(f"psnr_difference_{height}", chunked.psnr - whole.psnr, bound="-0.1 to 0.1")
        course.figures.add(f"size_ratio_{height}", chunked.size / whole.size, bound="0.98 to 1.02")


async def passage(course: Course) -> None:
    """A ten-hour video's tasks, with nothing in them."""
    short = await asyncio.to_thread(source, FOLDER, 2)
    for name in ("worker-1", "worker-2"):
        await course.mesh.stop(name)
    passed = await noop.passage(course.mesh, course.client, short, PASSAGE_SECONDS)
    for name in ("worker-1", "worker-2"):
        await course.mesh.start(name)
    course.figures.add("tasks", passed.tasks)
    course.figures.add("plan_seconds", passed.plan, bound="<= 2")
    course.figures.add("tasks_per_second", passed.tasks / passed.wall, bound=">= 150")
    course.figures.add("scheduler_cpu_ms_per_task", passed.cpu_per_task, bound="<= 10")
