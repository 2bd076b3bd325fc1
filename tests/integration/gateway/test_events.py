"""The live feed over HTTP."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import httpx2
import pytest

from meshkit.errors import PermissionDenied
from meshkit.ids import new_id
from tests import tokens
from tests.eventually import eventually
from tests.integration.gateway.conftest import serving

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from meshkit.settings import S3Settings
    from tests.fakes.gateway import FakeServices

WITHIN = 10.0


@asynccontextmanager
async def listening(http: httpx2.AsyncClient, **request: Any) -> AsyncIterator[AsyncIterator[str]]:
    """The lines of a feed that has begun."""
    async with http.stream("GET", "/v1/events", **request) as answer:
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/event-stream")
        assert answer.headers["x-accel-buffering"] == "no"
        lines = answer.aiter_lines()
        assert await until(lines, "retry:") == "retry: 2000"
        yield lines


async def until(lines: AsyncIterator[str], start: str) -> str:
    async with asyncio.timeout(WITHIN):
        async for line in lines:
            if line.startswith(start):
                return line
    raise AssertionError(f"the feed ended without {start!r}")


async def test_events_come_as_they_happen(http: httpx2.AsyncClient, services: FakeServices, tenant: str) -> None:
    async with http.stream("GET", "/v1/events") as answer:
        told = services.notify.tell(tenant, "asset.ready", id="a1", size=7, media={"duration": 1.5})
        services.notify.tell(new_id(), "asset.ready", id="another tenant's")
        services.notify.tell(tenant, "job.failed", id="j1")
        events = aiter(httpx2.EventSource(answer))
        seen: list[httpx2.ServerSentEvent] = []
        async with asyncio.timeout(WITHIN):
            while len(seen) < 2:
                if (event := await anext(events)).data:
                    seen.append(event)
    assert [(event.id, event.event) for event in seen] == [
        (told.id, "asset.ready"),
        (str(int(told.id) + 2), "job.failed"),
    ]
    assert seen[0].json() == {
        "type": "asset.ready",
        "timestamp": told.create_time.ToJsonString(),
        "data": {"id": "a1", "size": 7, "media": {"duration": 1.5}},
    }


@pytest.mark.parametrize("by", ["header", "query"])
async def test_a_feed_goes_on_after_the_last_event(
    http: httpx2.AsyncClient, services: FakeServices, tenant: str, by: str
) -> None:
    first, missed = services.notify.tell(tenant, "job.started"), services.notify.tell(tenant, "job.succeeded")
    how: dict[str, Any] = {"headers": {"Last-Event-ID": first.id}} if by == "header" else {}
    how |= {} if how else {"params": {"last_event_id": first.id}}
    async with listening(http, **how) as lines:
        assert await until(lines, "event:") == "event: job.succeeded"
        assert await until(lines, "id:") == f"id: {missed.id}"


async def test_what_is_asked_for_is_passed_on(http: httpx2.AsyncClient, services: FakeServices) -> None:
    asset_id, job_id = new_id(), new_id()
    query = [("asset_id", asset_id), ("job_id", job_id), ("types", "asset.ready,job.failed"), ("types", "job.started")]
    async with listening(http, params=query):
        asked = services.notify.requests[-1]
    assert (asked.asset_id, asked.job_id) == (asset_id, job_id)
    assert list(asked.types) == ["asset.ready", "job.failed", "job.started"]


async def test_silence_is_told_and_resumable(http: httpx2.AsyncClient, services: FakeServices) -> None:
    async with listening(http) as lines:
        assert await until(lines, "id:") == f"id: {len(services.notify.events)}"
        for _ in range(3):
            assert await until(lines, ":") == ": heartbeat"


async def test_a_restart_of_notify_loses_nothing(http: httpx2.AsyncClient, services: FakeServices, tenant: str) -> None:
    async with listening(http) as lines:
        services.notify.tell(tenant, "job.started")
        assert await until(lines, "event:") == "event: job.started"
        services.notify.break_off()
        await eventually(lambda: not services.notify.watching)
        services.notify.tell(tenant, "job.succeeded")
        assert await until(lines, "event:") == "event: job.succeeded"


async def test_a_client_that_goes_is_let_go(http: httpx2.AsyncClient, services: FakeServices) -> None:
    async with listening(http):
        assert services.notify.watching == 1
    await eventually(lambda: services.notify.watching == 0)


async def test_a_refusal_is_a_problem(http: httpx2.AsyncClient, services: FakeServices, served: Any) -> None:
    headers = {"Authorization": f"Bearer {tokens.token(new_id(), 'assets:read')}"}
    answer = await http.get("/v1/events", headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (403, "missing_scope")
    services.notify.refusal = PermissionDenied("not_you")
    try:
        assert (await http.get("/v1/events")).json()["code"] == "not_you"
    finally:
        services.notify.refusal = None
    assert (await http.get("/v1/events", params={"asset_id": "x"})).status_code == 400


async def test_feeds_end_when_the_gateway_does(services: FakeServices, s3_settings: S3Settings, tenant: str) -> None:
    headers = {"Authorization": f"Bearer {tokens.token(tenant, 'events:read')}"}
    async with (
        serving(services, s3_settings) as gateway,
        httpx2.AsyncClient(base_url=gateway.url, headers=headers) as http,
        listening(http) as lines,
    ):
        gateway.stop.set()
        async with asyncio.timeout(WITHIN):
            assert [line async for line in lines if line.startswith("data")] == []
    await eventually(lambda: services.notify.watching == 0)


async def test_a_feed_goes_on_at_another_gateway(
    http: httpx2.AsyncClient, services: FakeServices, s3_settings: S3Settings, tenant: str
) -> None:
    headers = {"Authorization": f"Bearer {tokens.token(tenant, 'events:read')}"}
    async with (
        serving(services, s3_settings) as gateway,
        httpx2.AsyncClient(base_url=gateway.url, headers=headers) as other,
    ):
        async with listening(http) as here, listening(other) as there:
            services.notify.tell(tenant, "job.started")
            last = [await until(lines, "id:") for lines in (here, there) if await until(lines, "event: job.started")]
            assert last[0] == last[1]
        services.notify.tell(tenant, "job.succeeded")
        async with listening(other, headers={"Last-Event-ID": last[0].removeprefix("id: ")}) as lines:
            assert await until(lines, "event:") == "event: job.succeeded"
