"""The analysis hook over HTTP, and what it brought on assets."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx2
import pytest
from reelmesh.metadata.v1 import metadata_pb2

from meshkit.ids import new_id
from tests import tokens

if TYPE_CHECKING:
    from tests.integration.gateway.conftest import Served

URL = "https://club.example/analyse"
HOOK = "/v1/analysis-hook"
PUBLIC = {"id", "url", "description", "failing_since_time", "create_time", "update_time"}


def code(answer: httpx2.Response, status: int) -> str:
    assert answer.status_code == status, answer.text
    return str(answer.json()["code"])


async def test_a_hook_is_made_changed_and_goes(http: httpx2.AsyncClient) -> None:
    assert code(await http.get(HOOK), 404) == "analysis_hook_not_found"
    made = await http.put(HOOK, json={"url": URL, "description": "club"})
    shown = made.json()
    assert made.status_code == 201
    assert shown.pop("secret").startswith("whsec_")
    assert set(shown) == PUBLIC
    found = await http.get(HOOK)
    assert (found.json(), found.headers["etag"]) == (shown, made.headers["etag"])
    changed = await http.put(HOOK, json={"url": f"{URL}/2"}, headers={"If-Match": made.headers["etag"]})
    assert changed.status_code == 200
    assert set(changed.json()) == PUBLIC
    assert (changed.json()["url"], changed.json()["description"]) == (f"{URL}/2", None)
    stale = {"If-Match": made.headers["etag"]}
    assert code(await http.put(HOOK, json={"url": URL}, headers=stale), 412) == "etag_mismatch"
    assert code(await http.delete(HOOK, headers=stale), 412) == "etag_mismatch"
    assert (await http.get(f"/v1/webhooks/{shown['id']}/deliveries")).json()["items"] == []
    assert (await http.get("/v1/webhooks")).json()["items"] == []
    assert code(await http.get(f"/v1/webhooks/{shown['id']}"), 404) == "webhook_not_found"
    assert (await http.delete(HOOK)).status_code == 204
    assert code(await http.delete(HOOK), 404) == "analysis_hook_not_found"
    assert (await http.put(HOOK, json={"url": URL})).status_code == 201


async def test_a_secret_is_rotated(http: httpx2.AsyncClient) -> None:
    assert code(await http.post(f"{HOOK}/rotate-secret"), 404) == "analysis_hook_not_found"
    made = (await http.put(HOOK, json={"url": URL})).json()
    rotated = (await http.post(f"{HOOK}/rotate-secret", json={"overlap": 60})).json()
    assert rotated["secret"] != made["secret"]
    assert rotated["old_secret_expire_time"]


@pytest.mark.parametrize("body", [{}, {"url": "x" * 3000}, {"url": URL, "events": []}])
async def test_what_is_no_hook_is_refused(http: httpx2.AsyncClient, body: dict[str, object]) -> None:
    assert (await http.put(HOOK, json=body)).status_code == 400


async def test_it_is_for_owners(served: Served, tenant: str) -> None:
    headers = {"Authorization": f"Bearer {tokens.token(tenant, 'webhooks:write', 'assets:write')}"}
    async with httpx2.AsyncClient(base_url=served.url, headers=headers) as member:
        assert code(await member.get(HOOK), 403) == "missing_scope"
        assert code(await member.put(HOOK, json={"url": URL}), 403) == "missing_scope"


async def test_an_asset_shows_what_was_said_of_it(served: Served, http: httpx2.AsyncClient, tenant: str) -> None:
    ready, pending, errored = metadata_pb2.Analysis(), metadata_pb2.Analysis(), metadata_pb2.Analysis()
    ready.state, ready.answer = metadata_pb2.Analysis.STATE_READY, '{"n":12345678901234567890,"s":"\\u0000Ö","x":[]}'
    pending.state = metadata_pb2.Analysis.STATE_PENDING
    errored.state, errored.error_code = metadata_pb2.Analysis.STATE_ERRORED, "timeout"
    errored.error_message = "too late"

    async def shown(analysis: metadata_pb2.Analysis | None) -> object:
        asset = metadata_pb2.Asset(id=new_id(), tenant_id=tenant, analysis=analysis)
        served.services.metadata.add(asset)
        answer = await http.get(f"/v1/assets/{asset.id}")
        assert answer.status_code == 200, answer.text
        return answer.json()["analysis"]

    nothing = {"answer": None, "error": None, "update_time": None}
    assert await shown(None) is None
    said = {"n": 12345678901234567890, "s": "\x00Ö", "x": []}
    assert await shown(ready) == nothing | {"state": "ready", "answer": said}
    assert await shown(pending) == nothing | {"state": "pending"}
    error = {"code": "timeout", "message": "too late"}
    assert await shown(errored) == nothing | {"state": "errored", "error": error}
