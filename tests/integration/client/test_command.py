"""The `reelmesh` command as scripts run it: its own process, pipes instead of a terminal."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from asyncio.subprocess import PIPE
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.eventually import eventually
from tests.fakes.api_state import KEY, POWERLESS_KEY, FakeApi

Ran = subprocess.CompletedProcess[str]
Run = Callable[..., Ran]


def environment(api: FakeApi, **more: str) -> dict[str, str]:
    # These two make other programs write colours into pipes.
    return {**os.environ, "REELMESH_URL": api.url, "REELMESH_API_KEY": KEY, "FORCE_COLOR": "1", "TERM": "xterm"} | more


def argv(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "reelmesh_client", *[str(argument) for argument in arguments]]


@pytest.fixture
def reelmesh(api: FakeApi, tmp_path: Path) -> Run:
    def run(*arguments: object, env: Mapping[str, str] | None = None) -> Ran:
        whole = environment(api, **(env or {}))
        return subprocess.run(
            argv(*arguments), env=whole, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False
        )

    return run


def the_object(ran: Ran) -> dict[str, Any]:
    """The one JSON object on stdout, on one line."""
    assert ran.stdout.count("\n") == 1
    body = json.loads(ran.stdout)
    assert isinstance(body, dict)
    return body


def is_plain(text: str) -> bool:
    return "\x1b" not in text and "\r" not in text


def test_upload_and_wait(api: FakeApi, reelmesh: Run, three_parts: Path) -> None:
    ran = reelmesh("upload", three_parts, "--label", "match=7", "--label", "half=1", "--visibility", "public", "--wait")

    (upload,) = api.uploads.values()
    assert ran.returncode == 0, ran.stderr
    assert f"asset: {upload['asset_id']}\n" in ran.stdout
    assert "state: ready\n" in ran.stdout
    assert f"hls_url: {api.url}/play/{upload['asset_id']}/master.m3u8\n" in ran.stdout
    assert (upload["labels"], upload["visibility"]) == ({"match": "7", "half": "1"}, "public")
    assert "upload 100 % 2.4 KiB of 2.4 KiB" in ran.stderr
    assert "encode 100 % ready" in ran.stderr
    assert is_plain(ran.stdout + ran.stderr)


def test_upload_as_json(api: FakeApi, reelmesh: Run, three_parts: Path) -> None:
    body = the_object(reelmesh("upload", three_parts, "--wait", "--json"))

    (upload,) = api.uploads.values()
    assert (body["asset_id"], body["upload_id"]) == (upload["asset_id"], upload["id"])
    assert (body["state"], body["error"], body["asset"]["state"]) == ("ready", None, "ready")
    assert body["playback"]["hls_url"].endswith("master.m3u8")


def test_upload_without_waiting(reelmesh: Run, three_parts: Path) -> None:
    body = the_object(reelmesh("upload", three_parts, "--json"))

    assert (body["state"], body["asset"], body["playback"]) == ("uploaded", None, None)


def test_an_empty_file_goes_in_like_any_other(api: FakeApi, reelmesh: Run, tmp_path: Path) -> None:
    (tmp_path / "empty.mp4").touch()
    api.failure = {"code": "not_media", "message": "it is empty"}

    ran = reelmesh("upload", "empty.mp4", "--wait")

    assert ran.returncode == 7
    assert "reelmesh: not_media: it is empty\n" in ran.stderr


@pytest.mark.parametrize("code", ["not_media", "corrupt"])
def test_a_bad_file_ends_with_7_and_its_reason(api: FakeApi, reelmesh: Run, three_parts: Path, code: str) -> None:
    api.failure = {"code": code, "message": "a line for people"}

    ran = reelmesh("upload", three_parts, "--wait", "--json")

    assert ran.returncode == 7
    assert ran.stderr.endswith(f"reelmesh: {code}: a line for people\n")
    body = the_object(ran)
    assert (body["state"], body["error"]["code"]) == ("failed", code)


def test_news_of_the_asset_may_take_a_moment(api: FakeApi, reelmesh: Run, three_parts: Path) -> None:
    api.polls_until_known = 2

    assert reelmesh("upload", three_parts, "--wait").returncode == 0


def test_an_upload_that_breaks_off_says_how_to_go_on(api: FakeApi, reelmesh: Run, three_parts: Path) -> None:
    api.part_failures = {3: [400]}

    broken = reelmesh("upload", three_parts, "--json")
    (upload_id,) = api.uploads

    assert broken.returncode == 6
    assert the_object(broken)["error"]["code"] == "object_store_refused"
    assert f"--resume {upload_id}\n" in broken.stderr
    assert reelmesh("upload", three_parts, "--resume", upload_id).returncode == 0
    assert api.bytes_of(upload_id) == three_parts.read_bytes()


def test_assets_and_jobs_as_lines_and_as_json(api: FakeApi, reelmesh: Run, three_parts: Path) -> None:
    for match in ("1", "2", "1"):
        assert reelmesh("upload", three_parts, "--label", f"match={match}").returncode == 0
    ids = list(api.assets)

    lines = reelmesh("assets")
    assert [line.split("\t")[0] for line in lines.stdout.splitlines()] == ids
    assert is_plain(lines.stdout)
    labelled = the_object(reelmesh("assets", "--label", "match=1", "--json"))
    assert [item["id"] for item in labelled["items"]] == [ids[0], ids[2]]
    assert labelled["more"] is False
    assert the_object(reelmesh("assets", "--limit", "2", "--json"))["more"] is True
    assert the_object(reelmesh("assets", "--state", "deleted", "--json"))["items"] == []
    (job,) = the_object(reelmesh("jobs", "--asset", ids[1], "--json"))["items"]
    assert job["asset_id"] == ids[1]
    assert reelmesh("jobs", "--state", "running").stdout.count("\n") == 3


def test_one_asset(api: FakeApi, reelmesh: Run, three_parts: Path) -> None:
    reelmesh("upload", three_parts, "--label", "match=7")
    (asset_id,) = api.assets

    assert "labels: match=7\n" in reelmesh("asset", asset_id).stdout
    assert the_object(reelmesh("asset", asset_id, "--json"))["id"] == asset_id


@pytest.mark.parametrize(
    ("arguments", "env", "code", "reason"),
    [
        (["asset", "unknown"], {}, 5, "asset_not_found: no such asset (trace 0af7651916cd43dd8448eb211c80319c)"),
        (["asset", "a"], {"REELMESH_API_KEY": "rmk_wrong"}, 4, "invalid_token: the token is not valid (trace"),
        (["assets"], {"REELMESH_API_KEY": POWERLESS_KEY}, 4, "missing_scope: this needs the scope"),
        (["assets"], {"REELMESH_URL": "http://127.0.0.1:1"}, 3, "unreachable: cannot reach http://127.0.0.1:1"),
        (["assets"], {"REELMESH_API_KEY": "", "REELMESH_HOME": ""}, 3, "not_configured: no key for"),
        (["upload", "clip.mp4", "--preset", "unknown"], {}, 6, "invalid_argument: the request is not valid; preset: "),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_every_problem_is_one_line_and_a_code(
    reelmesh: Run, three_parts: Path, arguments: list[str], env: dict[str, str], code: int, reason: str
) -> None:
    plain, as_json = reelmesh(*arguments, env=env), reelmesh(*arguments, "--json", env=env)

    assert (plain.returncode, as_json.returncode) == (code, code)
    assert plain.stderr == as_json.stderr
    assert plain.stderr.startswith(f"reelmesh: {reason}")
    assert plain.stderr.count("\n") == 1
    assert plain.stdout == ""
    assert the_object(as_json)["error"]["code"] == reason.partition(":")[0]


async def test_ctrl_c_ends_it_at_once_with_130(api: FakeApi, three_parts: Path) -> None:
    api.polls_until_over = 1_000_000
    command = argv("upload", three_parts, "--wait", "--json")
    # A shell that runs the tests beside it has them, and so this, ignore the signal.
    heed = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)
    waiting = await asyncio.create_subprocess_exec(
        *command, env=environment(api), stdout=PIPE, stderr=PIPE, preexec_fn=heed
    )
    await eventually(lambda: any(call.startswith("GET /v1/assets/") for call in api.seen))

    waiting.send_signal(signal.SIGINT)
    out, err = await asyncio.wait_for(waiting.communicate(), 20)

    assert waiting.returncode == 130
    assert json.loads(out)["error"]["code"] == "interrupted"
    assert err.endswith(b"reelmesh: interrupted: ended by Ctrl-C\n")


def test_a_reader_who_has_seen_enough(api: FakeApi, three_parts: Path) -> None:
    api.assets = {str(number): {"id": str(number) * 9000, "state": "ready"} for number in range(40)}
    with subprocess.Popen(argv("assets"), env=environment(api), stdout=subprocess.PIPE, stderr=subprocess.PIPE) as ran:
        assert ran.stdout is not None
        assert ran.stderr is not None
        ran.stdout.close()

        assert ran.stderr.read() == b""
    assert ran.returncode == 1


def test_doctor_finds_what_is_missing(reelmesh: Run, tmp_path: Path) -> None:
    env = {"REELMESH_HOME": str(tmp_path / "home")}
    missing = env | {"IMAGEIO_FFMPEG_EXE": str(tmp_path / "no-ffmpeg")}

    healthy, lacking = reelmesh("doctor", "--json", env=env), reelmesh("doctor", "--json", env=missing)

    assert (healthy.returncode, the_object(healthy)["ok"]) == (0, True)
    assert (lacking.returncode, the_object(lacking)["ok"]) == (8, False)
    assert [check["name"] for check in the_object(lacking)["checks"] if not check["ok"]] == ["ffmpeg"]
    assert "missing\tffmpeg\t" in reelmesh("doctor", env=missing).stdout
