"""Nothing of one tenant is seen or touched by another, by any route of the API or any method of the protos."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import grpc
import httpx2
import pytest_asyncio
from google.protobuf.message_factory import GetMessageClass
from reelmesh.identity.v1 import identity_pb2
from reelmesh_client import Client

from meshkit.grpc.server import ANY, PUBLIC
from meshkit.ids import new_id
from services.identity.roles import Role
from tests.e2e.journey import sent
from tests.e2e.tenancy import HOLDERS, OPEN, OWN_NAMES, Method, Operation, methods, operations

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from local.mesh import RunningMesh
    from tests.clips import Clips

PASSWORD = "correct horse battery"
UNSCOPED = {"missing_scope", "scope_not_held", "method_closed"}
WITHIN = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Tenant:
    owner: str
    """Its owner's access token."""
    tokens: dict[Role, str]
    owned: dict[str, str]
    """All that a stranger could ask for, by the names that requests have for it."""


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def http(mesh: RunningMesh) -> AsyncIterator[httpx2.AsyncClient]:
    async with httpx2.AsyncClient(base_url=mesh.url, timeout=WITHIN) as client:
        yield client


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def victim(mesh: RunningMesh, http: httpx2.AsyncClient, clips: Clips) -> Tenant:
    """With one of everything."""
    owner = await signed_up(http)
    # Nobody listens there: its deliveries stay.
    webhook = await made(http, "/v1/webhooks", owner, {"url": "http://127.0.0.1:9/hook"})
    delivery = (await http.post(f"/v1/webhooks/{webhook['id']}/test", headers=by(owner))).json()
    hook = await http.put("/v1/analysis-hook", json={"url": "http://127.0.0.1:9/hook"}, headers=by(owner))
    assert hook.status_code == 201, hook.text
    with Client(mesh.url, owner) as client:
        asset = await sent(client, clips.barcoded("mine.mp4", frames=30))
    assert asset.state == "ready"
    shown = await got(http, f"/v1/assets/{asset.id}", owner)
    jobs = await got(http, f"/v1/jobs?asset_id={asset.id}", owner)
    key = await made(http, "/v1/api-keys", owner, {"name": "mine", "scopes": ["assets:read"]})
    upload = await made(http, "/v1/uploads", owner, {"file_name": "mine.mp4", "size": 3})
    preset = await http.put("/v1/presets/mine", json={"audio": {}}, headers=by(owner))
    assert preset.status_code == 201, preset.text
    tokens, member = {}, {}
    for role in Role:
        login = {"email": f"{new_id()}@club.example", "password": PASSWORD}
        member = await made(http, "/v1/members", owner, login | {"role": role})
        tokens[role] = (await http.post("/v1/auth/login", json=login)).json()["access_token"]
    owned = {
        "asset_id": asset.id,
        "job_id": jobs["items"][0]["id"],
        "upload_id": upload["id"],
        "api_key_id": key["id"],
        "user_id": member["id"],
        "webhook_id": webhook["id"],
        "delivery_id": delivery["id"],
        "analysis_hook_id": hook.json()["id"],
        "playback_id": shown["playback_id"],
        "token": shown["playback_id"],
        "path": "master.m3u8",
        "preset_name": "mine",
    }
    return Tenant(owner=owner, tokens=tokens, owned=owned)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def stranger(http: httpx2.AsyncClient) -> str:
    """The access token of another tenant's owner."""
    return await signed_up(http)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def api(http: httpx2.AsyncClient) -> list[Operation]:
    return operations((await http.get("/openapi.json")).json())


async def signed_up(http: httpx2.AsyncClient) -> str:
    answer = await http.post("/v1/auth/signup", json={"email": f"{new_id()}@club.example", "password": PASSWORD})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["access_token"])


def by(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"} if token else {}


async def got(http: httpx2.AsyncClient, path: str, token: str) -> dict[str, Any]:
    answer = await http.get(path, headers=by(token))
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def made(http: httpx2.AsyncClient, path: str, token: str, body: dict[str, Any]) -> dict[str, Any]:
    answer = await http.post(path, json=body, headers=by(token))
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def asked(
    http: httpx2.AsyncClient, operation: Operation, known: dict[str, str], token: str
) -> tuple[int, str, str]:
    """Status, code and body; of a stream of events no body, and of HEAD no code either."""
    request = operation.request(known)
    async with http.stream(**request | {"headers": request["headers"] | by(token)}) as answer:
        if answer.headers.get("content-type", "").startswith("text/event-stream"):
            return answer.status_code, "", ""
        body = (await answer.aread()).decode(errors="replace")
    problem = body and answer.headers.get("content-type") == "application/problem+json"
    return answer.status_code, json.loads(body)["code"] if problem else "", body


def leaks(text: str, tenant: Tenant) -> list[str]:
    return [name for name, value in tenant.owned.items() if name != "path" and value in text]


async def standing(http: httpx2.AsyncClient, tenant: Tenant) -> dict[str, Any]:
    """Everything that the tenant has, as it sees it."""
    paths = ("/v1/uploads", "/v1/assets", "/v1/jobs", "/v1/members", "/v1/webhooks", "/v1/presets")
    found = {path: await got(http, f"{path}?page_size=200", tenant.owner) for path in paths}
    for asset in found["/v1/assets"]["items"]:
        # Signed anew each time.
        asset["poster_url"] = str(asset["poster_url"]).partition("?")[0]
    keys = await got(http, "/v1/api-keys", tenant.owner)
    # Those with another role may have deleted it by now.
    hook = (await http.get("/v1/analysis-hook", headers=by(tenant.owner))).json()
    return found | {"keys": [key["id"] for key in keys["items"]], "hook": hook.get("url")}


async def test_nobody_gets_anything(http: httpx2.AsyncClient, api: list[Operation], victim: Tenant) -> None:
    assert {operation.name for operation in api if not operation.secured} == OPEN
    for operation in api:
        if operation.secured:
            for token in ("", "nonsense", "rmk_nobodys-key-at-all-and-never-was"):
                status, _, body = await asked(http, operation, victim.owned, token)
                assert status == 401, (operation.name, body)


async def test_strangers_find_nothing_by_any_route(
    http: httpx2.AsyncClient, api: list[Operation], victim: Tenant, stranger: str
) -> None:
    before = await standing(http, victim)
    for operation in api:
        status, code, body = await asked(http, operation, victim.owned, stranger)
        if status < 400:
            assert not operation.parameters("path"), (operation.name, status, body)
            assert not leaks(body, victim), (operation.name, body)
        elif operation.parameters("path") and operation.name not in OWN_NAMES:
            forbidden = operation.secured and operation.scope in HOLDERS
            assert status == (403 if forbidden else 404), (operation.name, status, code)
    assert await standing(http, victim) == before


async def test_a_role_opens_what_it_says_and_nothing_else(
    http: httpx2.AsyncClient, api: list[Operation], victim: Tenant
) -> None:
    nothing = {name: new_id() for name in victim.owned} | {"path": "master.m3u8"}
    for operation in api:
        if not operation.secured or operation.name == "POST /v1/auth/logout":
            continue
        for role, token in victim.tokens.items():
            status, code, body = await asked(http, operation, nothing, token)
            allowed = operation.scope == ANY or operation.scope in role.scopes
            assert (status == 403 and code in UNSCOPED | {""}) != allowed, (operation.name, role, status, body)


async def test_a_strangers_feed_tells_nothing_of_others(
    mesh: RunningMesh, http: httpx2.AsyncClient, victim: Tenant, stranger: str, clips: Clips
) -> None:
    with Client(mesh.url, stranger) as client:
        own = await sent(client, clips.written("no.mp4", b"these are words\n" * 50))
    told = ""
    headers = by(stranger) | {"Last-Event-ID": "0"}
    async with asyncio.timeout(WITHIN), http.stream("GET", "/v1/events", headers=headers) as answer:
        async for line in answer.aiter_lines():
            told += line
            if "asset.failed" in line and own.id in told:
                break
    assert own.id in told
    assert not leaks(told, victim)


async def test_a_playback_token_of_another_tenant_plays_nothing(
    mesh: RunningMesh, http: httpx2.AsyncClient, victim: Tenant, stranger: str
) -> None:
    playback_id = victim.owned["playback_id"]
    sign = next(method for method in methods() if method.described.name == "SignPlayback")
    own = await got(http, f"/v1/assets/{victim.owned['asset_id']}/playback", victim.owner)
    assert (await http.get(own["hls_url"])).status_code == 200
    async with calling(mesh, sign, stranger) as call:
        forged = await call(identity_pb2.SignPlaybackRequest(playback_id=playback_id, expires_in=600), timeout=WITHIN)
    for token in (playback_id, forged.token):
        answer = await http.get(httpx2.URL(own["hls_url"]).path.replace(own["hls_url"].split("/")[4], token))
        assert answer.status_code == 404


@asynccontextmanager
async def calling(mesh: RunningMesh, method: Method, token: str) -> AsyncIterator[Any]:
    """One method, as whoever has `token`."""
    port = json.loads((mesh.home / "ports.json").read_text())[method.program]
    metadata = [("authorization", f"Bearer {token}")] if token else []
    codecs = {
        "request_serializer": type(method.request({})).SerializeToString,
        "response_deserializer": GetMessageClass(method.described.output_type).FromString,
    }
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        kind: Any = channel.unary_stream if method.described.server_streaming else channel.unary_unary
        call = kind(method.name, **codecs)

        async def answer(request: Any, timeout: float) -> Any:
            response = call(request, timeout=timeout, metadata=metadata)
            if not method.described.server_streaming:
                return await response
            try:
                return await anext(aiter(response))
            finally:
                response.cancel()

        yield answer


async def answered(mesh: RunningMesh, method: Method, known: dict[str, str], token: str) -> tuple[Any, str]:
    """The status code, and what came or why it did not."""
    async with calling(mesh, method, token) as call:
        try:
            return grpc.StatusCode.OK, str(await call(method.request(known), timeout=WITHIN))
        except grpc.aio.AioRpcError as error:
            return error.code(), f"{error.details()} {error.trailing_metadata()}"


async def test_every_method_asks_for_its_scope(mesh: RunningMesh, victim: Tenant) -> None:
    nothing = {name: new_id() for name in victim.owned}
    for method in methods():
        code, _ = await answered(mesh, method, nothing, "")
        assert (code == grpc.StatusCode.UNAUTHENTICATED) == (method.scope != PUBLIC), method.name
        for role, token in victim.tokens.items():
            code, said = await answered(mesh, method, nothing, token)
            allowed = method.scope in {PUBLIC, ANY} or method.scope in role.scopes
            assert (code == grpc.StatusCode.PERMISSION_DENIED and "missing_scope" in said) != allowed, (
                method.name,
                role,
                said,
            )
            assert not allowed or method.scope not in HOLDERS


async def test_strangers_find_nothing_by_any_method(
    mesh: RunningMesh, http: httpx2.AsyncClient, victim: Tenant, stranger: str
) -> None:
    before = await standing(http, victim)
    for method in methods():
        if method.scope in HOLDERS or method.described.name == "SignPlayback":
            continue
        code, said = await answered(mesh, method, victim.owned, stranger)
        if code == grpc.StatusCode.OK:
            assert not leaks(said, victim), method.name
        elif method.names(victim.owned):
            assert code == grpc.StatusCode.NOT_FOUND, (method.name, said)
    assert await standing(http, victim) == before
