"""Webhooks over HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx2
import pytest

from meshkit.ids import new_id
from tests import tokens

if TYPE_CHECKING:
    from tests.integration.gateway.conftest import Served

URL = "https://club.example/hook"
PUBLIC = {
    "id",
    "url",
    "events",
    "description",
    "state",
    "disabled_reason",
    "failing_since_time",
    "create_time",
    "update_time",
}


async def created(http: httpx2.AsyncClient, **body: Any) -> dict[str, Any]:
    answer = await http.post("/v1/webhooks", json={"url": URL} | body)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


def code(answer: httpx2.Response, status: int) -> str:
    assert answer.status_code == status, answer.text
    return str(answer.json()["code"])


async def test_a_webhook_and_its_secret_once(http: httpx2.AsyncClient) -> None:
    answer = await http.post("/v1/webhooks", json={"url": URL, "events": ["asset.ready"], "description": "club"})
    made = answer.json()
    assert answer.headers["location"] == f"/v1/webhooks/{made['id']}"
    assert made.pop("secret").startswith("whsec_")
    assert set(made) == PUBLIC
    assert (made["events"], made["description"], made["state"]) == (["asset.ready"], "club", "enabled")
    found = await http.get(f"/v1/webhooks/{made['id']}")
    assert found.json() == made
    assert found.headers["etag"] == answer.headers["etag"]
    assert (await http.get("/v1/webhooks")).json() == {"items": [made], "next_page_token": None}


async def test_the_same_key_gives_the_same_webhook(http: httpx2.AsyncClient) -> None:
    headers = {"Idempotency-Key": new_id()}
    answers = [await http.post("/v1/webhooks", json={"url": URL}, headers=headers) for _ in range(2)]
    assert answers[0].json() == answers[1].json()


async def test_webhooks_come_in_pages(http: httpx2.AsyncClient) -> None:
    made = [(await created(http))["id"] for _ in range(3)]
    first = (await http.get("/v1/webhooks", params={"page_size": 2})).json()
    query = {"page_size": 2, "page_token": first["next_page_token"]}
    second = (await http.get("/v1/webhooks", params=query)).json()
    assert [each["id"] for each in first["items"] + second["items"]] == made[::-1]


async def test_a_webhook_is_changed_and_goes(http: httpx2.AsyncClient) -> None:
    path = f"/v1/webhooks/{(await created(http, description='a'))['id']}"
    etag = (await http.get(path)).headers["etag"]
    patch = {"description": None, "events": ["job.failed"], "enabled": False}
    changed = await http.patch(path, json=patch, headers={"If-Match": etag})
    shown = changed.json()
    assert (shown["description"], shown["events"], shown["url"]) == (None, ["job.failed"], URL)
    assert (shown["state"], shown["disabled_reason"]) == ("disabled", "requested")
    assert (await http.get(path)).headers["etag"] == changed.headers["etag"] != etag
    assert code(await http.patch(path, json={"enabled": True}, headers={"If-Match": etag}), 412) == "etag_mismatch"
    assert (await http.patch(path, json={"enabled": True})).json()["state"] == "enabled"
    assert code(await http.delete(path, headers={"If-Match": etag}), 412) == "etag_mismatch"
    assert (await http.delete(path)).status_code == 204
    assert code(await http.get(path), 404) == "webhook_not_found"


async def test_a_secret_is_rotated(http: httpx2.AsyncClient) -> None:
    made = await created(http)
    path = f"/v1/webhooks/{made['id']}/rotate-secret"
    rotated = (await http.post(path)).json()
    assert rotated["secret"] not in {"", made["secret"]}
    assert rotated["old_secret_expire_time"]
    assert (await http.post(path, json={"overlap": 0})).json()["old_secret_expire_time"] is None
    assert code(await http.post(path, json={"overlap": 604_801}), 400) == "invalid_argument"


async def test_a_test_is_delivered_and_replayed(http: httpx2.AsyncClient) -> None:
    made = await created(http)
    answer = await http.post(f"/v1/webhooks/{made['id']}/test")
    delivery = answer.json()
    assert answer.status_code == 202
    assert (delivery["webhook_id"], delivery["type"], delivery["state"]) == (made["id"], "webhook.test", "pending")
    assert (await http.get(answer.headers["location"])).json() == delivery
    listed = (await http.get(f"/v1/webhooks/{made['id']}/deliveries", params={"state": "pending"})).json()
    assert listed == {"items": [delivery], "next_page_token": None}
    replayed = await http.post(f"/v1/webhook-deliveries/{delivery['id']}/replay")
    assert (replayed.status_code, replayed.json()["event_id"]) == (202, delivery["event_id"])
    window = {"start_time": "2026-01-01T00:00:00Z", "state": "failed"}
    assert (await http.post(f"/v1/webhooks/{made['id']}/replay", json=window)).json() == {"replayed": 0}
    late = {"start_time": "2126-01-01T00:00:00Z"}
    assert code(await http.post(f"/v1/webhooks/{made['id']}/replay", json=late), 400) == "invalid_argument"


async def test_a_disabled_one_is_a_conflict(http: httpx2.AsyncClient) -> None:
    made = await created(http)
    await http.patch(f"/v1/webhooks/{made['id']}", json={"enabled": False})
    assert code(await http.post(f"/v1/webhooks/{made['id']}/test"), 409) == "webhook_disabled"


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({}, "invalid_argument"),
        ({"url": ""}, "invalid_argument"),
        ({"url": URL, "events": ["job.progress"]}, "unknown_event_type"),
        ({"url": URL, "events": ["asset.ready", "asset.ready"]}, "invalid_argument"),
        ({"url": URL, "secret": "whsec_mine"}, "invalid_argument"),
    ],
)
async def test_what_is_no_webhook(http: httpx2.AsyncClient, body: dict[str, Any], reason: str) -> None:
    assert code(await http.post("/v1/webhooks", json=body), 400) == reason


async def test_a_foreign_tenant_and_a_lesser_key_get_nowhere(http: httpx2.AsyncClient, served: Served) -> None:
    made = await created(http)
    delivery = (await http.post(f"/v1/webhooks/{made['id']}/test")).json()
    paths = [
        ("GET", f"/v1/webhooks/{made['id']}", None),
        ("PATCH", f"/v1/webhooks/{made['id']}", {"enabled": False}),
        ("DELETE", f"/v1/webhooks/{made['id']}", None),
        ("POST", f"/v1/webhooks/{made['id']}/rotate-secret", None),
        ("POST", f"/v1/webhooks/{made['id']}/test", None),
        ("POST", f"/v1/webhooks/{made['id']}/replay", {"start_time": "2026-01-01T00:00:00Z"}),
        ("GET", f"/v1/webhooks/{made['id']}/deliveries", None),
        ("GET", f"/v1/webhook-deliveries/{delivery['id']}", None),
        ("POST", f"/v1/webhook-deliveries/{delivery['id']}/replay", None),
    ]
    foreign = {"Authorization": f"Bearer {tokens.token(new_id(), 'webhooks:read', 'webhooks:write')}"}
    reader = {"Authorization": f"Bearer {tokens.token(new_id(), 'events:read')}"}
    async with httpx2.AsyncClient(base_url=served.url) as client:
        assert (await client.get("/v1/webhooks", headers=foreign)).json()["items"] == []
        for method, path, body in paths:
            answer = await client.request(method, path, json=body, headers=foreign)
            assert code(answer, 404) in {"webhook_not_found", "delivery_not_found"}
            assert code(await client.request(method, path, json=body, headers=reader), 403) == "missing_scope"
    assert (await http.get(f"/v1/webhooks/{made['id']}")).json()["state"] == "enabled"


async def test_a_job_calls_back(http: httpx2.AsyncClient, served: Served) -> None:
    job = {"asset_id": new_id(), "callback_url": URL}
    assert (await http.post("/v1/jobs", json=job)).status_code == 202
    assert served.services.transcode.requests[-1].callback_url == URL
    first, second = [(await http.post("/v1/callback-secret")).json() for _ in range(2)]
    assert first["secret"].startswith("whsec_")
    assert (first["old_secret_expire_time"], first["secret"] == second["secret"]) == (None, False)
    assert second["old_secret_expire_time"]
