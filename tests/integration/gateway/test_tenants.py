"""Quotas over HTTP, and the operator's routes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx2
import pytest_asyncio
from reelmesh.identity.v1 import identity_pb2

from meshkit.ids import new_id
from tests import tokens

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.integration.gateway.conftest import Served


@pytest_asyncio.fixture(loop_scope="session")
async def operator(served: Served) -> AsyncIterator[httpx2.AsyncClient]:
    headers = {"Authorization": f"Bearer {tokens.token(new_id(), 'tenants:read', 'tenants:write')}"}
    async with httpx2.AsyncClient(base_url=served.url, headers=headers) as client:
        yield client


async def test_a_tenant_sees_its_quotas(http: httpx2.AsyncClient) -> None:
    found = (await http.get("/v1/quotas")).json()
    assert found == {
        "bytes_stored": {"used": 700, "limit": 1000, "resets_at": None},
        "uploads_per_day": {"used": 2, "limit": None, "resets_at": "2026-01-02T00:00:00Z"},
        "concurrent_jobs": {"used": 1, "limit": 4, "resets_at": None},
        "encode_minutes": {"used": 0, "limit": None, "resets_at": None},
    }


async def test_the_operator_changes_what_it_names(served: Served, operator: httpx2.AsyncClient) -> None:
    tenant = identity_pb2.Tenant(id=new_id(), name="club")
    served.services.identity.tenants[tenant.id] = tenant
    listed = (await operator.get("/v1/tenants")).json()
    assert tenant.id in [each["id"] for each in listed["items"]]
    path = f"/v1/tenants/{tenant.id}"
    patch = {"max_bytes_stored": 5, "max_concurrent_jobs": -1, "object_key_template": "club/{yyyy}"}
    changed = (await operator.patch(path, json=patch)).json()
    assert changed.items() >= patch.items()
    assert (changed["name"], changed["max_encode_minutes"]) == ("club", None)
    changed = (await operator.patch(path, json={"max_bytes_stored": None})).json()
    assert (changed["max_bytes_stored"], changed["max_concurrent_jobs"]) == (None, -1)
    assert (await operator.get(path)).json() == changed
    assert changed["quotas"]["bytes_stored"]["limit"] == 1000


async def test_a_tenant_that_is_not_there_gets_no_limits(served: Served, operator: httpx2.AsyncClient) -> None:
    nobody = new_id()
    for answer in (
        await operator.get(f"/v1/tenants/{nobody}"),
        await operator.patch(f"/v1/tenants/{nobody}", json={"max_bytes_stored": 5}),
    ):
        assert (answer.status_code, answer.json()["code"]) == (404, "tenant_not_found")
    assert nobody not in served.services.upload.settings


async def test_no_tenant_does_what_the_operator_does(http: httpx2.AsyncClient, tenant: str) -> None:
    for answer in (
        await http.get("/v1/tenants"),
        await http.get(f"/v1/tenants/{tenant}"),
        await http.patch(f"/v1/tenants/{tenant}", json={"max_bytes_stored": -1}),
    ):
        assert (answer.status_code, answer.json()["code"]) == (403, "missing_scope")


async def test_a_limit_is_a_number(operator: httpx2.AsyncClient, tenant: str) -> None:
    answer = await operator.patch(f"/v1/tenants/{tenant}", json={"max_bytes_stored": -2, "limit": 3})
    assert answer.status_code == 400
    assert {error["field"] for error in answer.json()["errors"]} == {"max_bytes_stored", "limit"}
