"""`python -m local.demo` where it cannot start."""

import asyncio
import json
import os
import sys
from asyncio.subprocess import PIPE
from pathlib import Path

from local.home import home_at


async def demo(home: Path, *arguments: str) -> tuple[int | None, str, str]:
    argv = [sys.executable, "-m", "local.demo", *arguments]
    running = await asyncio.create_subprocess_exec(
        *argv, env={**os.environ, "REELMESH_HOME": str(home)}, stdout=PIPE, stderr=PIPE
    )
    out, err = await asyncio.wait_for(running.communicate(), 60)
    return running.returncode, out.decode(), err.decode()


async def test_a_home_in_use_is_told_and_ends_with_3(tmp_path: Path) -> None:
    async with home_at(tmp_path).held():
        code, out, err = await demo(tmp_path)

    assert code == 3
    assert f"{tmp_path} is in use by process {os.getpid()}" in err
    last = json.loads(out.splitlines()[-1])
    assert (last["ok"], last["state"], last["error"]["code"]) == (False, "not_started", "cannot_start")


async def test_a_video_that_is_not_there_is_wrong_usage(tmp_path: Path) -> None:
    code, out, err = await demo(tmp_path, "--video", str(tmp_path / "nothing.mp4"))

    assert (code, out) == (2, "")
    assert "is not a file" in err
