"""Quotas and tenants at the command line, as a tenant and as the operator see them."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse
from reelmesh_client.cli import run
from reelmesh_client.exits import Exit

from tests.fakes.api_server import serving_app
from tests.fakes.api_state import problem

KEY, OPERATOR = "rmk_good", "rmk_operator"
QUOTA = {"used": 1536, "limit": 2048, "resets_at": None}
MINUTES = {"used": 1.5, "limit": None, "resets_at": "2026-02-01T00:00:00Z"}
QUOTAS = {"bytes_stored": QUOTA, "encode_minutes": MINUTES}


@pytest.fixture
def patches() -> list[dict[str, Any]]:
    return []


@pytest.fixture(autouse=True)
def mesh(patches: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    app = FastAPI()
    tenant = {"id": "t1", "name": "club", "create_time": None, "max_bytes_stored": None, "quotas": QUOTAS}

    @app.middleware("http")
    async def guard(request: Request, call_next: Any) -> Response:
        wanted = OPERATOR if request.url.path.startswith("/v1/tenants") else KEY
        if request.headers["authorization"] != f"Bearer {wanted}":
            return problem(403, "missing_scope", "this needs another scope")
        return await call_next(request)  # type: ignore[no-any-return]

    @app.get("/v1/quotas")
    async def quotas() -> Response:
        return JSONResponse(QUOTAS)

    @app.get("/v1/tenants")
    async def tenants() -> Response:
        return JSONResponse({"items": [tenant], "next_page_token": None})

    @app.patch("/v1/tenants/t1")
    async def patch(request: Request) -> Response:
        patches.append(await request.json())
        return JSONResponse(tenant | patches[-1])

    @app.post("/v1/uploads")
    async def upload() -> Response:
        patches.append({})
        refused = problem(429, "quota_exceeded", "the quota bytes_stored is 5")
        refused.headers["Retry-After"] = "3600"
        return refused

    with serving_app(app) as url:
        for name, value in (("URL", url), ("API_KEY", KEY), ("OPERATOR_KEY", OPERATOR)):
            monkeypatch.setenv(f"REELMESH_{name}", value)
        yield


def test_quotas_for_people_and_programs(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["quotas"]) == Exit.OK
    lines = capsys.readouterr().out.splitlines()
    assert lines == ["bytes_stored\t1.5 KiB\t2.0 KiB\t", "encode_minutes\t1.5\tunlimited\t2026-02-01T00:00:00Z"]
    assert run(["quotas", "--json"]) == Exit.OK
    assert json.loads(capsys.readouterr().out) == QUOTAS


def test_the_operator_sets_limits(patches: list[dict[str, Any]], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["tenants", "list"]) == Exit.OK
    assert capsys.readouterr().out == "t1\tclub\t\n"
    limits = ("--max-bytes-stored", "5GiB", "--max-concurrent-jobs", "unlimited", "--max-encode-minutes", "default")
    assert run(["tenants", "set", "t1", *limits, "--object-key-template", "club/{yyyy}", "--json"]) == Exit.OK
    assert patches == [
        {
            "max_bytes_stored": 5 << 30,
            "max_concurrent_jobs": -1,
            "max_encode_minutes": None,
            "object_key_template": "club/{yyyy}",
        }
    ]
    assert json.loads(capsys.readouterr().out)["max_bytes_stored"] == 5 << 30


@pytest.mark.parametrize("wrong", [[], ["--max-encode-minutes", "5GiB"], ["--max-bytes-stored", "-3"]])
def test_what_is_no_limit_changes_nothing(patches: list[dict[str, Any]], wrong: list[str]) -> None:
    assert run(["tenants", "set", "t1", *wrong]) == Exit.USAGE
    assert patches == []


def test_nobody_waits_for_a_quota(
    patches: list[dict[str, Any]], capsys: pytest.CaptureFixture[str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    file = tmp_path_factory.mktemp("clips") / "a.mp4"
    file.write_bytes(b"abc")
    assert run(["upload", str(file)]) == Exit.REFUSED
    assert "quota_exceeded: the quota bytes_stored is 5" in capsys.readouterr().err
    assert len(patches) == 1
