"""The command line: what it takes, and what it refuses."""

import json
from importlib.metadata import version
from pathlib import Path

import pytest
from reelmesh_client.cli import run
from reelmesh_client.exits import MEANING

COMMANDS = ("up", "upload", "assets", "asset", "jobs", "doctor", "version")


@pytest.fixture(autouse=True)
def _nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("REELMESH_URL", "REELMESH_API_KEY", "REELMESH_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["version"]) == 0
    assert run(["version", "--json"]) == 0

    plain, as_json = capsys.readouterr().out.splitlines()
    assert plain == f"reelmesh {version('reelmesh')}"
    assert json.loads(as_json) == {"version": version("reelmesh")}


@pytest.mark.parametrize("arguments", [[], *[[command] for command in COMMANDS]], ids=str)
def test_help_tells_the_exit_codes(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run([*arguments, "--help"]) == 0

    shown = capsys.readouterr().out
    assert all(f"{code:3d}  {meaning}" in shown for code, meaning in MEANING.items())
    assert "\x1b" not in shown


def test_without_a_command_it_shows_them(capsys: pytest.CaptureFixture[str]) -> None:
    assert run([]) == 2

    shown = capsys.readouterr().err
    assert all(f"\n  {command} " in shown for command in COMMANDS)


@pytest.mark.parametrize(
    "arguments",
    [
        ["--nonsense"],
        ["unheard-of"],
        ["asset"],
        ["upload", "no-such-file"],
        ["upload", "."],
        ["upload", "clip", "--visibility", "secret"],
        ["upload", "clip", "--label", "no-value"],
        ["upload", "clip", "--parallel", "0"],
        ["assets", "--limit", "0"],
        ["up", "--workers", "0"],
    ],
    ids=" ".join,
)
def test_wrong_usage_is_one_line_and_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    Path("clip").write_bytes(b"x")

    assert run(arguments) == 2

    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("reelmesh: ")
    assert err.count("\n") == 1


def test_without_a_mesh_it_says_what_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["assets"]) == 3

    assert capsys.readouterr() == (
        "",
        "reelmesh: not_configured: no mesh is known: start one with `reelmesh up`, or give --url or REELMESH_URL\n",
    )


@pytest.mark.parametrize("url", ["video.example.com", "ftp://video.example.com", "http://", "http://[::1"])
def test_an_address_that_is_none(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["assets", "--url", url, "--api-key", "rmk"]) == 3

    assert "is not an address" in capsys.readouterr().err


def test_a_key_that_is_none(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["assets", "--url", "http://127.0.0.1:1", "--api-key", "rmk\n"]) == 3

    assert "no key has" in capsys.readouterr().err
