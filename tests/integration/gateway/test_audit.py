"""The audit log over HTTP, for those who may read it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reelmesh.metadata.v1 import audit_pb2

from meshkit.ids import new_id
from tests import tokens

if TYPE_CHECKING:
    import httpx2

    from tests.integration.gateway.conftest import Served


async def test_owners_read_the_log(served: Served, http: httpx2.AsyncClient, tenant: str) -> None:
    owner = {"Authorization": f"Bearer {tokens.token(tenant, 'audit:read')}"}
    record = audit_pb2.AuditRecord(id=new_id(), asset_id=new_id(), subject="reelmesh", action="hard_delete")
    record.create_time.FromJsonString("2026-01-02T03:04:05Z")
    served.services.audit.rows.append(record)
    params: dict[str, str | int] = {
        "asset_id": record.asset_id,
        "subject": "reelmesh",
        "action": "hard_delete",
        "page_size": 7,
    }
    answer = await http.get("/v1/audit", params=params, headers=owner)
    item = {"id": record.id, "asset_id": record.asset_id, "subject": "reelmesh", "action": "hard_delete"}
    assert answer.json() == {
        "items": [item | {"create_time": "2026-01-02T03:04:05Z"}],
        "next_page_token": "more",
    }
    asked = served.services.audit.requests[-1]
    assert (asked.asset_id, asked.subject, asked.action, asked.page_size) == tuple(params.values())


async def test_others_do_not(http: httpx2.AsyncClient) -> None:
    answer = await http.get("/v1/audit")
    assert (answer.status_code, answer.json()["code"]) == (403, "missing_scope")


async def test_what_is_no_action_is_refused(http: httpx2.AsyncClient) -> None:
    answer = await http.get("/v1/audit", params={"action": "look"})
    assert (answer.status_code, [error["field"] for error in answer.json()["errors"]]) == (400, ["action"])
