"""`python -m local.demo`: the mesh up, one video all the way, its stream played and checked.

Ends with 0 when the stream is right, 1 when it is not, 2 for wrong usage, 3 when the mesh cannot start (another one may
use the home), 130 when interrupted. The last line on stdout is one JSON object.
"""

import argparse
import asyncio
import json
import os
import signal
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import stamina.instrumentation

from local.demo_report import Report
from local.demo_run import Demo
from local.errors import LocalError
from local.home import Home, default_home
from local.mesh import RunningMesh, running_mesh

INTERRUPTED = 130
CANNOT_START = 3


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m local.demo", description="One video all the way through the mesh.")
    parser.add_argument("--video", type=Path, help="your own; else a clip is made")
    parser.add_argument("--keep", action="store_true", help="leave the mesh up until Ctrl-C")
    options = parser.parse_args()
    if options.video and not options.video.is_file():
        parser.error(f"{options.video} is not a file")
    return options


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


async def demonstrate(home: Home, video: Path | None, report: Report, *, keep: bool) -> None:
    task = asyncio.current_task()
    assert task is not None
    for each in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(each, task.cancel)
    began = time.monotonic()
    say(f"starting the mesh in {home.path}")
    async with running_mesh(home.path) as mesh:
        report.seconds_to_start = time.monotonic() - began
        say(f"the mesh is up at {mesh.url}")
        await in_thread(Demo(home.folder("tmp"), report, say), mesh, video)
        conclude(report, mesh, keep=keep)
        if keep:
            await asyncio.Event().wait()


async def in_thread(demo: Demo, mesh: RunningMesh, video: Path | None) -> None:
    # Not the loop's own pool: at an interruption nobody waits for a frame to be decoded.
    pool = ThreadPoolExecutor(1)
    try:
        await asyncio.get_running_loop().run_in_executor(pool, demo.run, mesh.url, mesh.api_key, video)
    finally:
        pool.shutdown(wait=False)


def conclude(report: Report, mesh: RunningMesh, *, keep: bool) -> None:
    say("")
    for line in report.timings():
        say(line)
    say("")
    if report.hls_url:
        say(f"asset  {report.asset_id}")
        say(f"hls    {report.hls_url}")
    if report.embed_url:
        say(f"watch  {report.embed_url}")
    if keep:
        say(f"keys   {mesh.home / 'dev.env'}")
        say(f"The mesh stays up: Ctrl-C, or kill {os.getpid()}, ends it.")
    say("the stream is right" if report.ok else "the stream is not right")
    say(json.dumps(report.as_json()))
    report.concluded = True


def main() -> int:
    options = parsed()
    report = Report()
    # Its default writes to stdout, whose last line is ours.
    stamina.instrumentation.set_on_retry_hooks([])
    try:
        asyncio.run(demonstrate(default_home(), options.video, report, keep=options.keep))
    except asyncio.CancelledError:
        if not (options.keep and report.concluded):
            return INTERRUPTED
    except Exception as error:
        if not isinstance(leaf(error), LocalError):
            raise
        return cannot_start(report, leaf(error))
    return 0 if report.ok else 1


def cannot_start(report: Report, error: BaseException) -> int:
    sys.stderr.write(f"demo: {error}\n")
    report.failed("not_started", "cannot_start", str(error).splitlines()[0])
    say(json.dumps(report.as_json()))
    return CANNOT_START


def leaf(error: BaseException) -> BaseException:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    # The demo's thread may still decode: the mesh has ended, and nothing else is left to wait for.
    os._exit(code)
