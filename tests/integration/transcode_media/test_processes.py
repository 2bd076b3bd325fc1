"""A process that was ready before it was told what to work on is held to the same as one that is started for it."""

import asyncio
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from services.transcode.media.source import Loopback, Source
from services.transcode.worker import processes
from services.transcode.worker.probe import PROBE
from services.transcode.worker.sandbox import Finished, Limits, SandboxTimeout, run_python, run_sandboxed
from tests.clips import Clips
from tests.eventually import eventually
from tests.integration.transcode_media import told
from tests.integration.transcode_media.stream import LIMITS, facts_of

Inside = Callable[..., Awaitable[tuple[Finished, str]]]


@pytest.fixture(autouse=True)
async def none_stays() -> AsyncIterator[None]:
    yield
    await processes.dismiss()


@pytest.fixture
def inside(scratch: Path, tmp_path: Path) -> Inside:
    """Runs a code in the process that was ready, and gives how it ended and what it printed."""
    given = tmp_path / "given"
    given.write_text("for you")

    async def run(code: str, source: Source = given, limits: Limits = LIMITS) -> tuple[Finished, str]:
        output = bytearray()
        await processes.prepare(told.__name__)
        [ready] = children()
        finished = await run_python(
            told.__name__,
            [str(source), "0", f"import os; print(os.getpid(), flush=True)\n{code}"],
            source=source,
            scratch=scratch,
            limits=limits,
            on_output=output.extend,
        )
        pid, _, said = output.decode().partition("\n")
        assert int(pid) == ready
        return finished, said

    return run


def children() -> list[int]:
    """Processes that are ready: those of ours that are in no task's folder."""
    pids = [pid for task in Path("/proc/self/task").iterdir() for pid in (task / "children").read_text().split()]
    return [int(pid) for pid in pids if Path(f"/proc/{pid}/cwd").readlink() == Path("/")]


async def test_it_reads_its_source_and_nothing_else(inside: Inside, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("not for you")
    finished, said = await inside(f"import sys; print(open(sys.argv[1]).read()); open({str(tmp_path / 'secret')!r})")
    assert said == "for you\n"
    assert "PermissionError" in finished.stderr


async def test_it_writes_only_into_its_scratch_folder(inside: Inside, scratch: Path, tmp_path: Path) -> None:
    finished, _ = await inside(f"open('mine', 'w').write('x'); open({str(tmp_path / 'outside')!r}, 'w')")
    assert "PermissionError" in finished.stderr
    assert os.listdir(scratch) == ["mine"]  # noqa: PTH208 - a pathlib call in async code reads as blocking


async def test_it_reaches_its_source_and_nobody_else(inside: Inside) -> None:
    with socket.create_server(("127.0.0.1", 0)) as served, socket.create_server(("127.0.0.1", 0)) as other:
        own, foreign = (each.getsockname()[1] for each in (served, other))
        code = f"import socket; socket.create_connection(('127.0.0.1', {own})); print('reached')\n"
        code += f"socket.create_connection(('127.0.0.1', {foreign}))"
        finished, said = await inside(code, Loopback(port=own, token="", size=1))
    assert said == "reached\n"
    assert "PermissionError" in finished.stderr


async def test_it_knows_no_secrets_and_gains_no_privileges(inside: Inside, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("S3_SECRET_KEY", "hunter2")
    code = (
        "import ctypes, fcntl\n"
        "def is_open(number):\n"
        "    try: return fcntl.fcntl(number, fcntl.F_GETFD) >= 0\n"
        "    except OSError: return False\n"
        "print(sorted(os.environ), [each for each in range(256) if is_open(each)])\n"
        "print(ctypes.CDLL(None).prctl(39, 0, 0, 0, 0), repr(os.read(0, 1)))"
    )
    with socket.create_server(("127.0.0.1", 0)) as held:
        os.set_inheritable(held.fileno(), True)
        finished, said = await inside(code)
    assert finished.code == 0, finished.stderr
    names = ["HOME", "LC_ALL", "PYTHONDONTWRITEBYTECODE", "PYTHONPATH", "TMPDIR"]
    assert said.splitlines() == [f"{names} [0, 1, 2]", "1 b''"]


async def test_memory_processor_time_and_its_life_are_bounded(inside: Inside) -> None:
    finished, _ = await inside("bytearray(2**30)", limits=Limits(deadline=20, cpu=10, memory=2**29))
    assert "MemoryError" in finished.stderr
    finished, _ = await inside("while True: pass", limits=Limits(deadline=30, cpu=2))
    assert finished.code in (-signal.SIGXCPU, -signal.SIGKILL)
    with pytest.raises(SandboxTimeout):
        await inside("import signal; signal.pause()", limits=Limits(deadline=1, cpu=10))


async def test_each_is_used_once(inside: Inside, scratch: Path) -> None:
    for _ in range(2):
        await processes.prepare(told.__name__, processes.ANY)
        ready = children()
        await processes.prepare(told.__name__, processes.ANY)
        assert children() == ready
        assert len(ready) == 2
    await processes.dismiss()
    assert children() == []
    await processes.prepare(processes.ANY)
    for _ in range(2):
        output = bytearray()
        finished = await run_sandboxed(
            [sys.executable, "-I", "-c", "print('here')"],
            read=(Path(sys.prefix), Path(sys.base_prefix)),
            scratch=scratch,
            limits=LIMITS,
            on_output=output.extend,
        )
        assert (finished.code, output.decode()) == (0, "here\n")
        assert children() == []


async def test_it_dies_with_its_parent() -> None:
    code = (
        "import asyncio\n"
        "from services.transcode.worker import processes\n"
        "async def main():\n"
        f"    await processes.prepare({told.__name__!r})\n"
        "    print(processes._ready.popitem()[1].pid, flush=True)\n"
        "    await asyncio.Event().wait()\n"
        "asyncio.run(main())\n"
    )
    parent = await asyncio.create_subprocess_exec(sys.executable, "-c", code, stdout=asyncio.subprocess.PIPE)
    assert parent.stdout
    child = int(await parent.stdout.readline())
    parent.kill()
    await parent.wait()
    await eventually(lambda: not Path(f"/proc/{child}").exists())


async def test_a_probe_that_was_ready_finds_the_same(clips: Clips, scratch: Path) -> None:
    path = clips.barcoded("plain.mp4", frames=30)
    await processes.prepare(PROBE)
    ready = await facts_of(path, scratch)
    assert children() == []
    assert await facts_of(path, scratch) == ready
