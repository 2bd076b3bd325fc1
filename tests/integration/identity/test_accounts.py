"""Users over HTTP: the gateway and the identity service as they run, before a real database."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections import Counter
from typing import TYPE_CHECKING, Any

import httpx2
import jwt
import pytest_asyncio

from meshkit.credentials import identity_at
from meshkit.ids import new_id
from services.gateway.main import Settings as GatewaySettings
from services.gateway.main import running
from services.identity.main import Settings, main
from services.identity.roles import TENANT_SCOPES, Role
from tests.serving import free_port, serving

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from pathlib import Path

    from local.infra import Infra
    from meshkit.settings import S3Settings

GATEWAY_KEY = "rmk_the-gateways-key-of-these-tests"
BOOTSTRAP = "rmk_the-bootstrap-key-of-these-tests"
PASSWORD = "correct horse battery"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def address(infra: Infra, fresh_url: Callable[[], Awaitable[str]]) -> AsyncIterator[str]:
    settings = Settings(
        grpc_port=free_port(),
        database_url=await fresh_url(),
        nats_url=infra.nats_url,
        bootstrap_api_key=BOOTSTRAP,
        service_keys={"gateway": GATEWAY_KEY},
    )
    async with serving(main, settings) as address:
        yield address


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def url(address: str, s3_settings: S3Settings) -> AsyncIterator[str]:
    port, stop = free_port(), asyncio.Event()
    away: dict[str, Any] = {f"{name}_addr": "127.0.0.1:9" for name in ("upload", "metadata", "transcode", "notify")}
    settings = GatewaySettings(
        **s3_settings.model_dump(),
        **away,
        identity_addr=address,
        http_port=port,
        public_url=f"http://127.0.0.1:{port}",
        service_key=GATEWAY_KEY,
    )
    async with running(settings, stop):
        yield settings.public_url
        stop.set()


@pytest_asyncio.fixture(loop_scope="session")
async def http(url: str) -> AsyncIterator[httpx2.AsyncClient]:
    async with httpx2.AsyncClient(base_url=url, timeout=30) as client:
        yield client


@pytest_asyncio.fixture(loop_scope="session")
async def session(http: httpx2.AsyncClient) -> dict[str, Any]:
    """What an owner that just signed up got."""
    answer = await http.post("/v1/auth/signup", json={"email": f"{new_id()}@club.example", "password": PASSWORD})
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


def by(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


async def refreshed(http: httpx2.AsyncClient, token: str) -> httpx2.Response:
    return await http.post("/v1/auth/refresh", json={"refresh_token": token})


async def code(answer: httpx2.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


async def a_key(http: httpx2.AsyncClient, token: str, *scopes: str) -> dict[str, Any]:
    answer = await http.post("/v1/api-keys", json={"name": "robot", "scopes": scopes}, headers=by(token))
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def test_a_user_signs_up_logs_in_and_is_known(http: httpx2.AsyncClient, session: dict[str, Any]) -> None:
    email = session["user"]["email"]
    logged = (await http.post("/v1/auth/login", json={"email": email.upper(), "password": PASSWORD})).json()
    assert (logged["token_type"], 590 < logged["expires_in"] <= 600) == ("Bearer", True)
    for token in (session["access_token"], logged["access_token"]):
        me = (await http.get("/v1/me", headers=by(token))).json()
        assert (me["user"]["email"], me["user"]["role"], me["subject"]) == (email, "owner", session["user"]["id"])
        assert me["tenant"]["id"] == session["user"]["tenant_id"]
        assert set(me["scopes"]) == TENANT_SCOPES


async def test_refusals_have_their_codes(http: httpx2.AsyncClient, session: dict[str, Any]) -> None:
    email = session["user"]["email"]
    for path, body, expected in (
        ("signup", {"email": email, "password": PASSWORD}, (409, "email_taken")),
        ("signup", {"email": "nonsense", "password": PASSWORD}, (400, "invalid_argument")),
        ("signup", {"email": f"{new_id()}@club.example", "password": "short"}, (400, "invalid_argument")),
        ("login", {"email": email, "password": "wrong"}, (401, "invalid_credentials")),
        ("login", {"email": f"{new_id()}@club.example", "password": "wrong"}, (401, "invalid_credentials")),
        ("refresh", {"refresh_token": "nonsense"}, (401, "invalid_refresh_token")),
        ("logout", {}, (401, "unauthenticated")),
    ):
        assert await code(await http.post(f"/v1/auth/{path}", json=body)) == expected


async def test_tokens_are_checked_with_the_keys_that_anybody_gets(
    http: httpx2.AsyncClient, session: dict[str, Any]
) -> None:
    keys = jwt.PyJWKSet.from_dict((await http.get("/.well-known/jwks.json")).json())
    token = session["access_token"]
    header = jwt.get_unverified_header(token)
    claims = jwt.decode(token, keys[header["kid"]], algorithms=["EdDSA"], audience="reelmesh", issuer="reelmesh")
    assert claims["sub"] == session["user"]["id"]
    assert claims["exp"] - claims["iat"] <= 600


async def test_a_stolen_refresh_token_ends_the_session(http: httpx2.AsyncClient, session: dict[str, Any]) -> None:
    second = (await refreshed(http, session["refresh_token"])).json()
    assert await code(await refreshed(http, session["refresh_token"])) == (401, "refresh_token_reused")
    assert await code(await refreshed(http, second["refresh_token"])) == (401, "invalid_refresh_token")


async def test_one_of_several_refreshes_at_once_wins(http: httpx2.AsyncClient, session: dict[str, Any]) -> None:
    answers = await asyncio.gather(*[refreshed(http, session["refresh_token"]) for _ in range(8)])
    counted = Counter(answer.status_code for answer in answers)
    assert counted[200] == 1
    assert counted[409] + counted[401] == 7


async def test_logging_out_ends_the_session(http: httpx2.AsyncClient, session: dict[str, Any]) -> None:
    logged = (await http.post("/v1/auth/login", json={"email": session["user"]["email"], "password": PASSWORD})).json()
    by_body = await http.post("/v1/auth/logout", json={"refresh_token": session["refresh_token"]})
    by_header = await http.post("/v1/auth/logout", headers=by(logged["access_token"]))
    assert (by_body.status_code, by_header.status_code) == (204, 204)
    for token in (session["refresh_token"], logged["refresh_token"]):
        assert await code(await refreshed(http, token)) == (401, "invalid_refresh_token")


async def test_guessing_a_password_is_stopped(http: httpx2.AsyncClient, session: dict[str, Any]) -> None:
    body = {"email": f"{new_id()}@club.example", "password": "wrong"}
    answers = [await http.post("/v1/auth/login", json=body) for _ in range(11)]
    assert [answer.status_code for answer in answers] == [401] * 10 + [429]
    assert int(answers[-1].headers["retry-after"]) > 0
    right = {"email": session["user"]["email"], "password": PASSWORD}
    assert (await http.post("/v1/auth/login", json=right)).status_code == 200


async def test_a_key_is_shown_once_used_and_taken_back(http: httpx2.AsyncClient, session: dict[str, Any]) -> None:
    owner = session["access_token"]
    key = await a_key(http, owner, "keys:read")
    listed = (await http.get("/v1/api-keys", headers=by(key["secret"]))).json()["items"]
    assert [each["id"] for each in listed] == [key["id"]]
    assert "secret" not in listed[0]
    assert listed[0]["last_used_at"]
    assert await code(await http.get("/v1/members", headers=by(key["secret"]))) == (403, "missing_scope")
    assert (await http.delete(f"/v1/api-keys/{key['id']}", headers=by(owner))).status_code == 204
    assert await code(await http.get("/v1/api-keys", headers=by(key["secret"]))) == (401, "invalid_api_key")


async def test_the_same_idempotency_key_gives_the_same_key_and_no_secret(
    http: httpx2.AsyncClient, session: dict[str, Any]
) -> None:
    headers = by(session["access_token"]) | {"Idempotency-Key": "k1"}
    body = {"name": "robot", "scopes": ["assets:read"]}
    first, second = [(await http.post("/v1/api-keys", json=body, headers=headers)).json() for _ in range(2)]
    assert first["id"] == second["id"]
    assert (bool(first["secret"]), second["secret"]) == (True, None)


async def test_the_bootstrap_key_makes_keys_and_stays(http: httpx2.AsyncClient) -> None:
    me = (await http.get("/v1/me", headers=by(BOOTSTRAP))).json()
    assert (me["tenant"]["name"], me["user"]) == ("default", None)
    key = await a_key(http, BOOTSTRAP, "assets:read")
    assert (await http.get("/v1/me", headers=by(key["secret"]))).json()["scopes"] == ["assets:read"]
    refused = await http.delete(f"/v1/api-keys/{me['subject']}", headers=by(BOOTSTRAP))
    assert await code(refused) == (409, "configured_key")


async def reelmesh(url: str, *arguments: str) -> tuple[int, str]:
    """The command's exit code and what it printed."""
    environment = {**os.environ, "REELMESH_URL": url, "REELMESH_API_KEY": BOOTSTRAP}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "reelmesh_client", "keys", *arguments, env=environment, stdout=asyncio.subprocess.PIPE
    )
    told, _ = await asyncio.wait_for(process.communicate(), 60)
    return process.returncode or 0, told.decode()


async def test_the_command_makes_lists_and_deletes_keys(http: httpx2.AsyncClient, url: str) -> None:
    scopes = ("--scope", "assets:read", "--scope", "jobs:read")
    code, told = await reelmesh(url, "create", "robot", *scopes, "--days", "7", "--json")
    key = json.loads(told)
    assert (code, (await http.get("/v1/me", headers=by(key["secret"]))).json()["subject"]) == (0, key["id"])
    code, listed = await reelmesh(url, "list")
    assert (code, f"{key['id']}\trobot\tassets:read jobs:read\t" in listed) == (0, True)
    assert await reelmesh(url, "delete", key["id"]) == (0, f"deleted: {key['id']}\n")
    assert (await http.get("/v1/me", headers=by(key["secret"]))).status_code == 401
    assert (await reelmesh(url, "create", "robot", "--scope", "tasks:work"))[0] != 0


async def test_the_command_logs_in(url: str, session: dict[str, Any], tmp_path: Path) -> None:
    environment = {**os.environ, "REELMESH_URL": url, "XDG_CONFIG_HOME": str(tmp_path)}
    environment.pop("REELMESH_API_KEY", None)

    async def ran(*arguments: str) -> int:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "reelmesh_client", *arguments, env=environment, stdin=asyncio.subprocess.PIPE
        )
        await asyncio.wait_for(process.communicate(f"{PASSWORD}\n".encode()), 60)
        return process.returncode or 0

    assert await ran("login", "--email", session["user"]["email"], "--password-stdin") == 0
    kept = tmp_path / "reelmesh" / "sessions.json"
    expired = json.loads(kept.read_text())
    expired[url]["expires"] = 0
    kept.write_text(json.dumps(expired))
    assert await ran("keys", "list") == 0
    assert await ran("logout") == 0
    assert await ran("keys", "list") != 0


async def test_members_may_what_their_role_says(http: httpx2.AsyncClient, session: dict[str, Any]) -> None:
    owner, made = by(session["access_token"]), {}
    for role in Role:
        body = {"email": f"{new_id()}@club.example", "password": PASSWORD, "role": role}
        answer = await http.post("/v1/members", json=body, headers=owner)
        assert answer.status_code == 201
        made[role] = answer.json()["id"]
        del body["role"]
        token = (await http.post("/v1/auth/login", json=body)).json()["access_token"]
        assert set((await http.get("/v1/me", headers=by(token))).json()["scopes"]) == role.scopes
    assert len((await http.get("/v1/members", headers=owner)).json()["items"]) == 4
    changed = await http.patch(f"/v1/members/{made[Role.VIEWER]}", json={"role": "member"}, headers=owner)
    assert changed.json()["role"] == "member"
    assert (await http.delete(f"/v1/members/{made[Role.VIEWER]}", headers=owner)).status_code == 204
    last = await http.delete(f"/v1/members/{session['user']['id']}", headers=owner)
    assert last.status_code == 204


async def test_the_password_changes(http: httpx2.AsyncClient, session: dict[str, Any]) -> None:
    body = {"current_password": PASSWORD, "new_password": "battery staple"}
    assert (await http.post("/v1/auth/password", json=body, headers=by(session["access_token"]))).status_code == 204
    login = {"email": session["user"]["email"], "password": "battery staple"}
    assert (await http.post("/v1/auth/login", json=login)).status_code == 200


async def test_nobody_but_the_gateway_vouches_for_addresses(address: str, http: httpx2.AsyncClient) -> None:
    async with identity_at(address) as identity:
        token, _ = await identity.exchange(BOOTSTRAP)
    assert "accounts:serve" not in (await http.get("/v1/me", headers=by(token))).json()["scopes"]
