"""What the gateway says of itself: its OpenAPI document, its docs and its metrics."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio
from prometheus_client.parser import text_string_to_metric_families

from meshkit.ids import new_id

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx2

CONTRACT = {
    "POST /v1/uploads",
    "GET /v1/uploads",
    "GET /v1/uploads/{upload_id}",
    "DELETE /v1/uploads/{upload_id}",
    "POST /v1/uploads/{upload_id}/parts",
    "GET /v1/uploads/{upload_id}/parts",
    "POST /v1/uploads/{upload_id}/complete",
    "GET /v1/assets",
    "GET /v1/assets/{asset_id}",
    "PATCH /v1/assets/{asset_id}",
    "DELETE /v1/assets/{asset_id}",
    "GET /v1/assets/{asset_id}/playback",
    "GET /v1/assets/{asset_id}/url",
    "GET /v1/assets/{asset_id}/download",
    "GET /v1/assets/{asset_id}/stream",
    "GET /v1/assets/{asset_id}/events",
    "POST /v1/assets/{asset_id}/restore",
    "PUT /v1/assets/{asset_id}/vote",
    "DELETE /v1/assets/{asset_id}/vote",
    "GET /v1/rankings",
    "GET /v1/retention",
    "PUT /v1/retention",
    "POST /v1/jobs",
    "POST /v1/transcode",
    "GET /v1/jobs",
    "GET /v1/jobs/{job_id}",
    "POST /v1/jobs/{job_id}/cancel",
    "GET /v1/presets",
    "GET /v1/presets/{preset_name}",
    "PUT /v1/presets/{preset_name}",
    "DELETE /v1/presets/{preset_name}",
    "GET /v1/events",
    "POST /v1/webhooks",
    "GET /v1/webhooks",
    "GET /v1/webhooks/{webhook_id}",
    "PATCH /v1/webhooks/{webhook_id}",
    "DELETE /v1/webhooks/{webhook_id}",
    "POST /v1/webhooks/{webhook_id}/rotate-secret",
    "POST /v1/webhooks/{webhook_id}/test",
    "POST /v1/webhooks/{webhook_id}/replay",
    "GET /v1/webhooks/{webhook_id}/deliveries",
    "POST /v1/callback-secret",
    "GET /v1/webhook-deliveries/{delivery_id}",
    "POST /v1/webhook-deliveries/{delivery_id}/replay",
    "GET /v1/me",
    "GET /v1/audit",
    "GET /v1/quotas",
    "GET /v1/tenants",
    "GET /v1/tenants/{tenant_id}",
    "PATCH /v1/tenants/{tenant_id}",
    "GET /play/{token}/{path}",
    "GET /embed/{token}",
}


@pytest_asyncio.fixture(loop_scope="session")
async def document(anyone: httpx2.AsyncClient) -> dict[str, Any]:
    answer: dict[str, Any] = (await anyone.get("/openapi.json")).json()
    return answer


def operations(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield f"{method.upper()} {path}", operation


def references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        for name, value in node.items():
            if name == "$ref":
                yield value
            yield from references(value)
    elif isinstance(node, list):
        for each in node:
            yield from references(each)


async def test_the_document_names_every_operation_and_its_problems(document: dict[str, Any]) -> None:
    assert document["openapi"].startswith("3.1.")
    found = dict(operations(document))
    assert set(found) >= CONTRACT
    ids = [operation["operationId"] for operation in found.values()]
    assert len(ids) == len(set(ids))
    for name in CONTRACT:
        responses = found[name]["responses"]
        refused = [code for code in responses if code == "default" or code >= "400"]
        assert {"503", "default"} <= set(refused)
        for code in refused:
            schema = responses[code]["content"]["application/problem+json"]["schema"]
            assert schema == {"$ref": "#/components/schemas/Problem"}
        assert "422" not in responses
        if name.split()[1].startswith("/v1/"):
            assert found[name]["security"]
            assert {"400", "401", "403"} <= set(responses)


async def test_every_reference_of_the_document_leads_somewhere(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    named = {reference.removeprefix("#/components/schemas/") for reference in references(document)}
    assert named <= set(schemas)
    assert set(schemas) - named == set()


async def test_the_docs_need_nobody_else(anyone: httpx2.AsyncClient) -> None:
    page = await anyone.get("/docs")
    assert page.status_code == 200
    assert not re.findall(r"(?:https?:)?//[a-z]", page.text)
    assert "default-src 'self'" in page.headers["content-security-policy"]
    for path in re.findall(r'(?:src|href)="(/[^"]+)"', page.text):
        assert (await anyone.get(path)).status_code == 200
    assert '"validatorUrl": null' in page.text
    assert (await anyone.get("/docs/assets/../main.py")).status_code == 404


async def test_metrics_know_routes_and_no_ids(http: httpx2.AsyncClient) -> None:
    some_id = new_id()
    await http.get(f"/v1/assets/{some_id}")
    await http.get(f"/v1/nothing/{some_id}")
    text = (await http.get("/metrics")).text
    assert some_id not in text
    families = {family.name: family for family in text_string_to_metric_families(text)}
    counted = {
        (
            sample.labels.get("http_route", ""),
            sample.labels["http_request_method"],
            sample.labels["http_response_status_code"],
        )
        for sample in families["http_server_request_duration_seconds"].samples
        if sample.name.endswith("_count")
    }
    assert ("/v1/assets/{asset_id}", "GET", "404") in counted
    assert ("", "GET", "404") in counted
    assert not {route for route, _, _ in counted} & {"/metrics", "/healthz", "/readyz"}


@pytest.mark.parametrize("path", ["/redoc", "/docs/", "/static"])
async def test_there_is_nothing_else(anyone: httpx2.AsyncClient, path: str) -> None:
    assert (await anyone.get(path)).status_code == 404
