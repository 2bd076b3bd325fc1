"""What the gateway says when something is wrong, and to whom it says anything at all."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import httpx2
import pytest

from meshkit.ids import new_id
from tests import tokens
from tests.integration.gateway.conftest import Served, serving
from tests.serving import free_port

if TYPE_CHECKING:
    from meshkit.settings import S3Settings
    from tests.fakes.gateway import FakeServices

FIELDS = {"type", "title", "status", "detail", "code", "errors", "trace_id"}


def problem(answer: httpx2.Response, code: int) -> dict[str, Any]:
    assert answer.status_code == code, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    body: dict[str, Any] = answer.json()
    assert set(body) == FIELDS
    assert body["status"] == code
    return body


async def test_nobody_is_told_to_say_who_they_are(anyone: httpx2.AsyncClient) -> None:
    for headers in ({}, {"Authorization": "Basic YTpi"}, {"Authorization": "Bearer"}):
        answer = await anyone.get("/v1/assets", headers=headers)
        assert problem(answer, 401)["code"] == "unauthenticated"
        assert answer.headers["www-authenticate"] == "Bearer"


async def test_foreign_and_expired_tokens_are_refused(anyone: httpx2.AsyncClient) -> None:
    for token, code in (
        ("nonsense", "invalid_token"),
        (tokens.token(new_id(), audience="else"), "invalid_token"),
        (tokens.token(new_id(), seconds=-60), "token_expired"),
    ):
        answer = await anyone.get("/v1/assets", headers={"Authorization": f"Bearer {token}"})
        assert problem(answer, 401)["code"] == code


async def test_a_missing_scope_is_forbidden(anyone: httpx2.AsyncClient) -> None:
    headers = {"Authorization": f"Bearer {tokens.token(new_id(), 'uploads:read')}"}
    assert problem(await anyone.get("/v1/assets", headers=headers), 403)["code"] == "missing_scope"


async def test_an_api_key_is_exchanged_once(anyone: httpx2.AsyncClient, services: FakeServices, tenant: str) -> None:
    key = f"rmk_{new_id()}"
    services.identity.keys[key] = tenant
    headers = {"Authorization": f"Bearer {key}"}
    answers = await asyncio.gather(*[anyone.get("/v1/me", headers=headers) for _ in range(10)])
    assert {answer.json()["tenant"]["id"] for answer in answers} == {tenant}
    assert services.identity.exchanged[key] == 1


async def test_an_unknown_api_key_is_not_remembered(
    anyone: httpx2.AsyncClient, services: FakeServices, tenant: str
) -> None:
    key = f"rmk_{new_id()}"
    headers = {"Authorization": f"Bearer {key}"}
    assert problem(await anyone.get("/v1/me", headers=headers), 401)["code"] == "invalid_api_key"
    services.identity.keys[key] = tenant
    assert (await anyone.get("/v1/me", headers=headers)).status_code == 200


async def test_unknown_routes_and_methods(http: httpx2.AsyncClient) -> None:
    assert problem(await http.get("/v1/nothing"), 404)["code"] == "not_found"
    assert problem(await http.get("/v1/assets/"), 404)["code"] == "not_found"
    answer = await http.put("/v1/me")
    assert problem(answer, 405)["code"] == "method_not_allowed"
    assert answer.headers["allow"] == "GET"


async def test_a_body_that_is_too_large(http: httpx2.AsyncClient) -> None:
    body = b'{"file_name": "' + b"a" * (1 << 20) + b'", "size": 1}'
    headers = {"Content-Type": "application/json"}
    assert problem(await http.post("/v1/uploads", content=body, headers=headers), 413)["code"] == "too_large"

    async def chunks() -> Any:
        for _ in range(20):
            yield b" " * (1 << 16)

    assert problem(await http.post("/v1/uploads", content=chunks(), headers=headers), 413)["code"] == "too_large"


async def test_a_body_that_is_not_json(http: httpx2.AsyncClient) -> None:
    headers = {"Content-Type": "application/json"}
    assert problem(await http.post("/v1/uploads", content=b"{", headers=headers), 400)["code"] == "invalid_argument"
    answer = await http.post("/v1/uploads", data={"file_name": "a"})
    assert problem(answer, 415)["code"] == "unsupported_media_type"


async def test_queries_are_checked(http: httpx2.AsyncClient) -> None:
    for query, field in (({"page_size": 201}, "page_size"), ({"state": "lost"}, "state"), ({"kind": "pdf"}, "kind")):
        body = problem(await http.get("/v1/assets", params=query), 400)
        assert [each["field"] for each in body["errors"]] == [field]


async def test_a_bug_behind_is_hidden(http: httpx2.AsyncClient, services: FakeServices) -> None:
    services.upload.bug = True
    try:
        body = problem(await http.get(f"/v1/uploads/{new_id()}"), 500)
    finally:
        services.upload.bug = False
    assert (body["code"], body["detail"]) == ("internal", "internal error")
    assert "secret" not in str(body)


async def test_a_service_that_is_away(services: FakeServices, s3_settings: S3Settings) -> None:
    away = f"127.0.0.1:{free_port()}"
    async with (
        serving(services, s3_settings, notify_addr=away, upload_addr=away) as gateway,
        httpx2.AsyncClient(base_url=gateway.url, headers=_anybody()) as http,
    ):
        answer = await http.get("/readyz")
        assert problem(answer, 503)["detail"] == "not serving: upload, notify"
        assert (await http.get("/healthz")).json() == {"status": "ok"}
        for path in ("/v1/uploads", "/v1/events"):
            answer = await http.get(path, timeout=10)
            assert problem(answer, 503)["code"] == "unavailable"
            assert answer.headers["retry-after"]
        assert (await http.get("/v1/presets")).status_code == 200


async def test_a_gateway_about_to_end_takes_no_more(services: FakeServices, s3_settings: S3Settings) -> None:
    async with serving(services, s3_settings) as gateway, httpx2.AsyncClient(base_url=gateway.url) as http:
        assert (await http.get("/readyz")).json() == {"status": "ready"}
        gateway.stop.set()
        assert problem(await http.get("/readyz"), 503)["code"] == "draining"


async def test_cors_is_for_configured_origins_alone(proxying: Served, served: Served) -> None:
    async with httpx2.AsyncClient(headers={"Origin": "https://club.example"}) as http:
        answer = await http.get(f"{proxying.url}/v1/assets")
        assert answer.headers["access-control-allow-origin"] == "https://club.example"
        assert "access-control-allow-origin" not in (await http.get(f"{served.url}/v1/assets")).headers
        asked = {"Access-Control-Request-Method": "PATCH", "Access-Control-Request-Headers": "authorization, if-match"}
        assert (await http.options(f"{proxying.url}/v1/assets", headers=asked)).status_code == 200


def _anybody() -> dict[str, str]:
    return {"Authorization": f"Bearer {tokens.token(new_id(), 'uploads:read', 'jobs:read', 'events:read')}"}


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics"])
async def test_health_needs_no_credential(anyone: httpx2.AsyncClient, path: str) -> None:
    assert (await anyone.get(path)).status_code == 200
