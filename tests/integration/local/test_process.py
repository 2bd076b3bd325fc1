"""A child says early what is wrong, stops when asked or not, and leaves nothing behind."""

import signal
import sys
from pathlib import Path

import pytest

from local.errors import StartError
from local.home import Home
from local.process import LOG_BYTES, Child, Program, plain_env
from local.supervise import Supervised
from tests.eventually import eventually
from tests.integration.local.test_leash import gone


def a_child(home: Path, code: str, *, grace: float = 10.0, patience: float = 10.0) -> Child:
    program = Program(
        name="child",
        argv=(sys.executable, "-u", "-c", code),
        env=plain_env(),
        cwd=home,
        grace_seconds=grace,
        start_seconds=patience,
    )
    return Child(program, Home(home))


async def never() -> bool:
    return False


async def test_a_child_that_dies_at_its_start_is_reported_with_its_last_words(tmp_path: Path) -> None:
    child = a_child(tmp_path, "raise SystemExit('no such database')")
    await child.start()
    with pytest.raises(StartError, match="child ended with 1 at its start:\nno such database"):
        await child.wait_ready(never)


async def test_a_child_that_is_never_ready_is_reported(tmp_path: Path) -> None:
    child = a_child(tmp_path, "import time; print('thinking'); time.sleep(600)", patience=0.5)
    await child.start()
    with pytest.raises(StartError, match="not ready after"):
        await child.wait_ready(never)
    await child.stop()
    assert child.returncode == -signal.SIGTERM


async def test_a_child_that_ignores_sigterm_is_killed_after_its_grace(tmp_path: Path) -> None:
    code = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf'); time.sleep(600)"
    child = a_child(tmp_path, code, grace=0.2)
    await child.start()
    await eventually(lambda: "deaf" in child.tail())
    await child.stop()
    assert child.returncode == -signal.SIGKILL


async def test_what_a_killed_child_had_started_ends_with_it(tmp_path: Path) -> None:
    code = "import subprocess, time; print('grandchild', subprocess.Popen(['sleep', '600']).pid); time.sleep(600)"
    child = a_child(tmp_path, code)
    await child.start()
    await eventually(lambda: "grandchild" in child.tail())
    grandchild = int(child.tail().split()[1])
    await child.kill()
    await eventually(lambda: gone(grandchild))


async def test_a_long_log_moves_aside_at_the_next_start(tmp_path: Path) -> None:
    child = a_child(tmp_path, "print('new')")
    child.log.write_bytes(b"x" * (LOG_BYTES + 1))
    await child.start()
    await child.wait()
    assert child.log.read_text() == "new\n"
    assert child.log.with_name("child.log.1").stat().st_size == LOG_BYTES + 1


async def test_a_supervised_child_comes_back_after_a_kill_and_not_after_a_stop(tmp_path: Path) -> None:
    child = a_child(tmp_path, "import time; print('up'); time.sleep(600)")

    async def up() -> bool:
        return "up" in child.tail()

    kept = Supervised(child=child, ready=up, prepare=lambda: None)
    await kept.start()
    await kept.wait_ready()
    first = child.pid
    await kept.kill()
    await eventually(lambda: child.running and child.pid != first)
    await kept.stop()
    assert not child.running


async def test_a_supervised_child_that_ends_again_and_again_is_given_up_at_the_start(tmp_path: Path) -> None:
    kept = Supervised(child=a_child(tmp_path, "print('broken')"), ready=never, prepare=lambda: None)
    await kept.start()
    with pytest.raises(StartError, match=r"ends again and again:\n(?s:.*)broken"):
        await kept.wait_ready()
    await kept.stop()
