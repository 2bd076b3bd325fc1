"""What is decided of webhooks, over fakes."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from reelmesh.transcode.v1 import transcode_events_pb2 as jobs
from reelmesh.transcode.v1 import transcode_pb2

from meshkit.errors import Conflict, InvalidArgument, NotFound
from meshkit.ids import new_id
from services.notify.delivery import State
from services.notify.webhook import MOST_SECRETS, Reason, address_of
from services.notify.webhooks import MOST
from services.notify.wire import from_fact
from tests.fakes.notify import FakeDelivery
from tests.fakes.webhooks import THEN, an_outcome
from tests.unit.notify.conftest import TENANT, Mesh

URL = "https://club.example/hook"


async def test_both_secrets_sign_while_one_replaces_the_other(mesh: Mesh) -> None:
    made = await mesh.webhooks.create(TENANT, URL)
    rotated = await mesh.webhooks.rotate(TENANT, made.id, timedelta(hours=1))
    assert rotated.signers(mesh.clock.now) == [rotated.secrets[0].text, made.secrets[0].text]
    mesh.clock.forward(hours=1)
    assert rotated.signers(mesh.clock.now) == [rotated.secrets[0].text]
    at_once = await mesh.webhooks.rotate(TENANT, made.id, timedelta(0))
    assert len(at_once.secrets) == 1
    for _ in range(5):
        await mesh.webhooks.rotate(TENANT, made.id, timedelta(days=7))
    assert len((await mesh.webhooks.get(TENANT, made.id)).signers(mesh.clock.now)) == MOST_SECRETS


async def test_a_disabled_webhook_replays_and_tests_nothing(mesh: Mesh) -> None:
    made = await mesh.webhooks.create(TENANT, URL)
    await mesh.hears()
    [row] = mesh.store.rows.values()
    disabled = await mesh.webhooks.update(TENANT, made.id, {"enabled": False}, "")
    assert disabled.disabled_reason == Reason.REQUESTED
    assert (await mesh.webhooks.delivery(TENANT, row.id)).state is State.FAILED
    with pytest.raises(Conflict, match="webhook_disabled"):
        await mesh.webhooks.replay(TENANT, row.id)
    with pytest.raises(Conflict, match="webhook_disabled"):
        await mesh.webhooks.test(TENANT, made.id)
    await mesh.webhooks.update(TENANT, made.id, {"enabled": True}, disabled.etag)
    mesh.clock.forward(seconds=1)
    assert await mesh.webhooks.replay_range(TENANT, made.id, State.FAILED, THEN - timedelta(days=1), None) == 1


async def test_a_test_is_delivered_whatever_the_filter(mesh: Mesh) -> None:
    made = await mesh.webhooks.create(TENANT, URL, ("job.failed",))
    delivery = await mesh.webhooks.test(TENANT, made.id)
    assert json.loads(delivery.payload)["type"] == "webhook.test"
    assert await mesh.attempt_all() == 1


async def test_a_foreign_tenant_finds_nothing(mesh: Mesh) -> None:
    made = await mesh.webhooks.create(TENANT, URL)
    delivery = await mesh.webhooks.test(TENANT, made.id)
    other = new_id()
    for call in (
        mesh.webhooks.get(other, made.id),
        mesh.webhooks.update(other, made.id, {"enabled": False}, ""),
        mesh.webhooks.delete(other, made.id, ""),
        mesh.webhooks.rotate(other, made.id, timedelta(0)),
        mesh.webhooks.test(other, made.id),
        mesh.webhooks.delivery(other, delivery.id),
        mesh.webhooks.deliveries(other, made.id, None, 0, ""),
        mesh.webhooks.replay(other, delivery.id),
        mesh.webhooks.replay_range(other, made.id, None, THEN - timedelta(days=1), None),
    ):
        with pytest.raises(NotFound):
            await call


async def test_a_change_expects_its_etag(mesh: Mesh) -> None:
    made = await mesh.webhooks.create(TENANT, URL)
    changed = await mesh.webhooks.update(TENANT, made.id, {"description": "a"}, made.etag)
    assert changed.etag != made.etag
    with pytest.raises(Conflict, match="etag_mismatch"):
        await mesh.webhooks.update(TENANT, made.id, {"description": "b"}, made.etag)
    with pytest.raises(Conflict, match="etag_mismatch"):
        await mesh.webhooks.delete(TENANT, made.id, made.etag)
    await mesh.webhooks.update(TENANT, made.id, {"url": "https://else.example/"}, "")
    assert mesh.receivers.checked == [URL, "https://else.example/"]


async def test_a_job_calls_back_once_when_it_is_over(mesh: Mesh) -> None:
    secret = (await mesh.webhooks.rotate_callback_secret(TENANT, timedelta(0))).secrets[0].text
    job = transcode_pb2.Job(id=new_id(), tenant_id=TENANT, asset_id=new_id(), callback_url="https://club.example/done")
    for event_type, fact in (("job.started", jobs.JobStarted(job=job)), ("job.succeeded", jobs.JobSucceeded(job=job))):
        await mesh.events.take_in(from_fact(event_type, fact), FakeDelivery())
    mesh.receivers.answer = lambda _: an_outcome(410, now=mesh.clock.now)
    assert await mesh.attempt_all() == 1
    [(url, _, secrets)] = mesh.receivers.posted
    assert (url, secrets) == ("https://club.example/done", [secret])
    [row] = mesh.store.rows.values()
    assert (row.type, row.state) == ("job.succeeded", State.FAILED)
    assert "callback_url" not in row.payload
    again = jobs.JobFailed(job=job)
    await mesh.events.take_in(from_fact("job.failed", again), FakeDelivery())
    assert await mesh.attempt_all() == 1
    assert await mesh.webhooks.page(TENANT, 0, "") == ([], "")
    with pytest.raises(NotFound):
        await mesh.webhooks.update(TENANT, row.webhook_id, {"enabled": False}, "")


async def test_the_secret_of_callbacks_is_rotated(mesh: Mesh) -> None:
    first = await mesh.webhooks.rotate_callback_secret(TENANT, timedelta(hours=1))
    second = await mesh.webhooks.rotate_callback_secret(TENANT, timedelta(hours=1))
    assert (first.id, len(first.secrets)) == (second.id, 1)
    assert second.signers(mesh.clock.now) == [second.secrets[0].text, first.secrets[0].text]
    with pytest.raises(NotFound):
        await mesh.webhooks.get(TENANT, first.id)


async def test_a_tenant_has_so_many_webhooks_and_no_more(mesh: Mesh) -> None:
    for _ in range(MOST):
        await mesh.webhooks.create(TENANT, URL)
    with pytest.raises(Conflict, match="too_many_webhooks"):
        await mesh.webhooks.create(TENANT, URL)
    assert len(mesh.store.hooks) == MOST


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("https://club.example", ("club.example", 443)),
        ("http://club.example:8080/a?b=c", ("club.example", 8080)),
        ("http://[2001:db8::1]:81/", ("2001:db8::1", 81)),
    ],
)
def test_an_address_to_call(url: str, address: tuple[str, int]) -> None:
    assert address_of(url) == address


@pytest.mark.parametrize(
    "url",
    [
        "",
        "club.example/hook",
        "ftp://club.example/",
        "file:///etc/passwd",
        "gopher://club.example",
        "http://",
        "http://user@club.example/",
        "http://user:secret@club.example/",
        "http://club.example/#here",
        "http://club.example:99999/",
        "http://club.example:port/",
        "http://[::1/",
        "http://club.example/a b",
        "http://club.example\\@else.example/",
        "http://cl\u00fcb.example/",
        "http://club.example/\r\nHost: else",
    ],
)
def test_no_address_to_call(url: str) -> None:
    with pytest.raises(InvalidArgument, match="invalid_url"):
        address_of(url)
