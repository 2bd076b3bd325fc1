"""What a program in the sandbox can and cannot do, seen from inside it."""

import asyncio
import os
import signal
import socket
import sys
from pathlib import Path

import pytest

from services.transcode.media.argv import chunk_argv
from services.transcode.media.errors import BadMedia, EncodeFailed
from services.transcode.media.plan import plan
from services.transcode.media.source import Loopback, Source
from services.transcode.worker.ffmpeg import Progress, find_ffmpeg, run_ffmpeg
from services.transcode.worker.sandbox import Finished, Limits, SandboxTimeout, run_sandboxed, sandbox_level
from tests.clips import Clips
from tests.eventually import eventually
from tests.integration.transcode_media.stream import LIMITS, TINY, facts_of

PYTHON = (Path(sys.prefix), Path(sys.base_prefix))


async def inside(
    code: str,
    scratch: Path,
    limits: Limits = LIMITS,
    read: tuple[Path, ...] = (),
    source: Source | None = None,
) -> tuple[Finished, str]:
    output = bytearray()
    argv = [sys.executable, "-I", "-c", code]
    finished = await run_sandboxed(
        argv,
        sources=[source] if source else [],
        read=[*PYTHON, *read],
        scratch=scratch,
        limits=limits,
        on_output=output.extend,
    )
    return finished, output.decode()


async def test_it_reads_only_what_it_was_given(scratch: Path, tmp_path: Path) -> None:
    given, secret = tmp_path / "given", tmp_path / "secret"
    given.write_text("for you")
    secret.write_text("not for you")
    code = f"print(open({str(given)!r}).read()); open({str(secret)!r})"
    finished, output = await inside(code, scratch, read=(given,))
    assert output.strip() == "for you"
    assert finished.code == 1
    assert "PermissionError" in finished.stderr


async def test_it_writes_only_into_its_scratch_folder(scratch: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    finished, _ = await inside(f"open('mine', 'w').write('x'); open({str(outside)!r}, 'w')", scratch)
    assert "PermissionError" in finished.stderr
    assert os.listdir(scratch) == ["mine"]  # noqa: PTH208 - a pathlib call in async code reads as blocking
    assert not outside.exists()


async def test_it_reaches_no_network(scratch: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        finished, _ = await inside(f"import socket; socket.create_connection(('127.0.0.1', {port}))", scratch)
    assert "PermissionError" in finished.stderr


async def test_it_reaches_the_one_port_that_serves_its_source(scratch: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as served, socket.create_server(("127.0.0.1", 0)) as other:
        own, foreign = (each.getsockname()[1] for each in (served, other))
        source = Loopback(port=own, token="", size=1)
        connect = f"import socket; socket.create_connection(('127.0.0.1', {own})); print('reached')"
        finished, output = await inside(
            f"{connect}; socket.create_connection(('127.0.0.1', {foreign}))", scratch, source=source
        )
        assert output == "reached\n"
        assert "PermissionError" in finished.stderr
        finished, output = await inside("import socket; socket.create_server(('', 0))", scratch, source=source)
        assert "PermissionError" in finished.stderr


async def test_it_inherits_neither_secrets_nor_open_files(scratch: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("S3_SECRET_KEY", "hunter2")
    code = "import os; print(sorted(os.environ)); print(sorted(os.listdir('/proc/self/fd')))"
    with socket.create_server(("127.0.0.1", 0)) as held:
        os.set_inheritable(held.fileno(), True)
        _, output = await inside(code, scratch, read=(Path("/proc"),))
    # 3 is the listing's own.
    assert output.splitlines() == [str(["HOME", "LC_ALL", "TMPDIR"]), str(["0", "1", "2", "3"])]


async def test_it_can_gain_no_privileges_and_dies_first_when_memory_is_short(scratch: Path) -> None:
    code = "print(open('/proc/self/oom_score_adj').read()); print(open('/proc/self/status').read())"
    _, output = await inside(code, scratch, read=(Path("/proc"),))
    assert output.startswith("1000")
    assert "NoNewPrivs:\t1" in output


async def test_memory_and_file_size_are_bounded(scratch: Path) -> None:
    limits = Limits(deadline=20, cpu=10, memory=2**28, file_size=2**20)
    finished, _ = await inside("bytearray(2**29)", scratch, limits)
    assert "MemoryError" in finished.stderr
    finished, _ = await inside("f = open('big', 'wb')\nwhile True: f.write(bytes(2**16))", scratch, limits)
    assert finished.code
    assert (scratch / "big").stat().st_size <= 2**20


async def test_the_processor_time_is_bounded(scratch: Path) -> None:
    finished, _ = await inside("while True: pass", scratch, Limits(deadline=20, cpu=1))
    assert finished.code in (-signal.SIGXCPU, -signal.SIGKILL)


async def test_the_deadline_ends_it_and_its_children(scratch: Path) -> None:
    code = "import os, signal\npid = os.fork()\nprint(os.getpid(), flush=True)\nsignal.pause()"
    output = bytearray()
    with pytest.raises(SandboxTimeout):
        await run_sandboxed(
            [sys.executable, "-I", "-c", code],
            read=PYTHON,
            scratch=scratch,
            limits=Limits(deadline=2, cpu=10),
            on_output=output.extend,
        )
    pids = [int(pid) for pid in output.split()]
    assert len(pids) == 2
    # The kernel ends killed grandchildren in its own time.
    await eventually(lambda: not any(_alive(pid) for pid in pids))


async def test_it_dies_with_its_parent(scratch: Path) -> None:
    code = (
        "import asyncio, sys, pathlib\n"
        "from services.transcode.worker.sandbox import *\n"
        "say = lambda data: (sys.stdout.buffer.write(data), sys.stdout.flush())\n"
        "child = 'import os, signal; print(os.getpid(), flush=True); signal.pause()'\n"
        "read = [pathlib.Path(sys.prefix), pathlib.Path(sys.base_prefix)]\n"
        "limits = Limits(deadline=60, cpu=10)\n"
        f"options = dict(read=read, scratch=pathlib.Path({str(scratch)!r}), limits=limits, on_output=say)\n"
        "asyncio.run(run_sandboxed([sys.executable, '-I', '-c', child], **options))\n"
    )
    parent = await asyncio.create_subprocess_exec(sys.executable, "-c", code, stdout=asyncio.subprocess.PIPE)
    assert parent.stdout is not None
    child = int(await parent.stdout.readline())
    parent.kill()
    await parent.wait()
    await eventually(lambda: not _alive(child))


async def test_its_level_is_known() -> None:
    assert sandbox_level() in ("landlock files and tcp", "landlock files", "limits only")


async def test_a_cancelled_ffmpeg_is_gone_within_a_second(scratch: Path) -> None:
    running = asyncio.Event()
    seen: list[Progress] = []

    def on_progress(progress: Progress) -> None:
        seen.append(progress)
        running.set()

    endless = ["-f", "lavfi", "-i", "testsrc=s=64x64", "-f", "null", "-"]
    argv = [str(find_ffmpeg()), "-nostdin", "-v", "error", "-progress", "pipe:1", "-stats_period", "0.1", *endless]
    task = asyncio.create_task(
        run_ffmpeg(argv, sources=[Path("/dev/null")], scratch=scratch, limits=LIMITS, on_progress=on_progress)
    )
    await running.wait()
    task.cancel()
    async with asyncio.timeout(1):
        with pytest.raises(asyncio.CancelledError):
            await task
    assert seen[-1].frame > 0


async def test_a_script_in_disguise_opens_nothing(clips: Clips, scratch: Path) -> None:
    source = clips.barcoded("a.mp4", frames=30, audio=None)
    chunk = plan(await facts_of(source, scratch), TINY).chunks[0]
    disguised = clips.written("a.mp4", f"ffconcat version 1.0\nfile {source}\n".encode())
    argv = chunk_argv(chunk, ffmpeg=find_ffmpeg(), source=disguised, scratch=scratch, threads=1)
    with pytest.raises((EncodeFailed, BadMedia)):
        await run_ffmpeg(argv, sources=[disguised], scratch=scratch, limits=LIMITS, on_progress=lambda _: None)


def _alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False
