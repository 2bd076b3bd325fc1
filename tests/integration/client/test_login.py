"""Logging in at the command line: what is kept, who may read it, and what becomes of it."""

import io
import json
import stat
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse
from reelmesh_client import Client
from reelmesh_client.cli import run
from reelmesh_client.errors import ConfigError
from reelmesh_client.exits import Exit
from reelmesh_client.sessions import Sessions

from tests.fakes.api_server import serving_app
from tests.fakes.api_state import problem

EMAIL, PASSWORD = "coach@club.example", "correct horse battery"


@dataclass
class Mesh:
    """Its access tokens are numbered; each refresh token is good once, and its reuse ends the session."""

    url: str = ""
    lifetime: int = 600
    number: int = 0
    over: bool = False
    calls: list[str] = field(default_factory=list)

    def tokens(self) -> Response:
        self.number += 1
        tokens = {"access_token": f"access-{self.number}", "refresh_token": f"rmr_{self.number}"}
        return JSONResponse(tokens | {"token_type": "Bearer", "expires_in": self.lifetime})


@pytest.fixture
def mesh(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Mesh]:
    mesh, app = Mesh(), FastAPI()

    @app.post("/v1/auth/login")
    async def login(request: Request) -> Response:
        assert "authorization" not in request.headers
        right = await request.json() == {"email": EMAIL, "password": PASSWORD}
        mesh.calls.append("login")
        return mesh.tokens() if right else problem(401, "invalid_credentials", "the password is wrong")

    @app.post("/v1/auth/refresh")
    async def refresh(request: Request) -> Response:
        mesh.calls.append("refresh")
        mesh.over |= (await request.json())["refresh_token"] != f"rmr_{mesh.number}"
        return problem(401, "refresh_token_reused", "the session is over") if mesh.over else mesh.tokens()

    @app.post("/v1/auth/logout")
    async def logout(request: Request) -> Response:
        mesh.calls.append("logout")
        return Response(status_code=204)

    @app.get("/v1/assets")
    async def assets(request: Request) -> Response:
        mesh.calls.append(request.headers["authorization"].removeprefix("Bearer "))
        return JSONResponse({"items": [], "next_page_token": None})

    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.chdir(tmp_path)
    for name in ("REELMESH_API_KEY", "REELMESH_URL", "REELMESH_HOME"):
        monkeypatch.delenv(name, raising=False)
    with serving_app(app) as mesh.url:
        yield mesh


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    return tmp_path / "config" / "reelmesh"


def log_in(mesh: Mesh, monkeypatch: pytest.MonkeyPatch, password: str = PASSWORD) -> int:
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{password}\n"))
    return run(["login", "--url", mesh.url, "--email", EMAIL, "--password-stdin", "--json"])


def test_the_session_is_kept_for_its_user_alone(
    mesh: Mesh, kept: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert log_in(mesh, monkeypatch) == Exit.OK
    assert json.loads(capsys.readouterr().out) == {"url": mesh.url, "email": EMAIL}
    assert stat.S_IMODE(kept.stat().st_mode) == 0o700
    assert {stat.S_IMODE(each.stat().st_mode) for each in kept.iterdir()} == {0o600}
    assert PASSWORD not in (kept / "sessions.json").read_text()
    # No address is needed any more, nor a key.
    assert run(["assets"]) == Exit.OK
    assert mesh.calls == ["login", "access-1"]


def test_a_wrong_password_is_tried_once_and_keeps_nothing(
    mesh: Mesh, kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert log_in(mesh, monkeypatch, "a guess") == Exit.REFUSED
    assert mesh.calls == ["login"]
    assert not kept.exists()


def test_a_key_comes_before_the_session(mesh: Mesh, monkeypatch: pytest.MonkeyPatch) -> None:
    log_in(mesh, monkeypatch)
    assert run(["assets", "--api-key", "rmk_option"]) == Exit.OK
    monkeypatch.setenv("REELMESH_API_KEY", "rmk_env")
    assert run(["assets"]) == Exit.OK
    assert mesh.calls[1:] == ["rmk_option", "rmk_env"]


def test_it_refreshes_itself(mesh: Mesh, monkeypatch: pytest.MonkeyPatch) -> None:
    mesh.lifetime = 30
    log_in(mesh, monkeypatch)
    for _ in range(2):
        assert run(["assets"]) == Exit.OK
    assert mesh.calls == ["login", "refresh", "access-2", "refresh", "access-3"]


def test_many_at_once_refresh_once(mesh: Mesh, kept: Path) -> None:
    mesh.lifetime = 0
    Sessions(kept).log_in(mesh.url, EMAIL, PASSWORD)
    mesh.lifetime = 600
    with ThreadPoolExecutor(8) as pool:
        tokens = list(pool.map(lambda _: Sessions(kept).token(mesh.url), range(8)))
    assert set(tokens) == {"access-2"}
    assert mesh.calls == ["login", "refresh"]


def test_a_client_that_lasts_asks_for_each_request(mesh: Mesh, kept: Path) -> None:
    mesh.lifetime = 30
    sessions = Sessions(kept)
    sessions.log_in(mesh.url, EMAIL, PASSWORD)
    with Client(mesh.url, lambda: sessions.token(mesh.url)) as client:
        assert [list(client.list_assets()) for _ in range(2)] == [[], []]
    assert mesh.calls[2::2] == ["access-2", "access-3"]


def test_a_session_that_is_over_says_so_and_goes(
    mesh: Mesh, kept: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    mesh.lifetime = 0
    log_in(mesh, monkeypatch)
    mesh.over = True
    assert run(["assets"]) == Exit.NO_MESH
    assert "is over: reelmesh login" in capsys.readouterr().err
    assert Sessions(kept).urls() == []


def test_logging_out_ends_it_here_and_there(mesh: Mesh, kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log_in(mesh, monkeypatch)
    assert run(["logout"]) == Exit.OK
    assert mesh.calls == ["login", "logout"]
    assert (kept / "sessions.json").read_text() == "{}"
    assert run(["assets", "--url", mesh.url]) == Exit.NO_MESH
    assert run(["logout", "--url", mesh.url]) == Exit.OK
    assert mesh.calls == ["login", "logout"]


def test_a_file_that_makes_no_sense_is_named(mesh: Mesh, kept: Path) -> None:
    kept.mkdir(parents=True)
    (kept / "sessions.json").write_text("[]")
    with pytest.raises(ConfigError, match=r"sessions\.json cannot be read"):
        Sessions(kept).urls()
