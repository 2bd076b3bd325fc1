"""What is decided of webhooks and their deliveries, over fakes."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from reelmesh.transcode.v1 import transcode_events_pb2 as jobs
from reelmesh.transcode.v1 import transcode_pb2

from meshkit.errors import Conflict, InvalidArgument, NotFound
from meshkit.ids import new_id
from services.notify.deliveries import AT_ONCE, Deliveries
from services.notify.delivery import SCHEDULE, State, payload_of
from services.notify.service import Events
from services.notify.webhook import FAILING_FOR, MOST_SECRETS, Reason, address_of
from services.notify.webhook import State as WebhookState
from services.notify.webhooks import MOST, Webhooks
from services.notify.wire import from_fact
from tests.fakes.notify import FakeDelivery, FakeFeed, FakeStore, an_event
from tests.fakes.webhooks import THEN, Clock, FakeReceivers, a_delivery, a_webhook, an_outcome

TENANT = new_id()
URL = "https://club.example/hook"


class Mesh:
    """The use cases over one store, and one clock."""

    def __init__(self) -> None:
        self.store, self.receivers, self.clock = FakeStore(), FakeReceivers(), Clock()
        self.webhooks = Webhooks(self.store, self.receivers, self.clock)
        self.deliveries = Deliveries(self.store, self.receivers, now=self.clock, jitter=lambda: 0.0)
        self.events = Events(self.store, FakeFeed(), now=self.clock)

    async def hears(self, event_type: str = "asset.ready", asset_id: str = "") -> str:
        """The event's id."""
        delivered = FakeDelivery()
        await self.events.take_in(an_event(TENANT, event_type, asset_id=asset_id), delivered)
        return delivered.message_id

    async def attempt_all(self) -> int:
        due = await self.deliveries.claim(100)
        for each in due:
            await self.deliveries.make(each)
        return len(due)


@pytest.fixture
def mesh() -> Mesh:
    return Mesh()


async def test_an_event_goes_to_those_who_want_it_under_one_id(mesh: Mesh) -> None:
    for events in ((), ("asset.ready",), ("job.failed",)):
        await mesh.webhooks.create(TENANT, URL, events)
    await mesh.webhooks.create(new_id(), URL)
    event_id = await mesh.hears()
    assert await mesh.attempt_all() == 2
    assert [posted[1] for posted in mesh.receivers.posted] == [event_id, event_id]
    assert {row.state for row in mesh.store.rows.values()} == {State.SUCCEEDED}


async def test_an_event_heard_again_is_delivered_once(mesh: Mesh) -> None:
    await mesh.webhooks.create(TENANT, URL)
    event, delivered = an_event(TENANT), FakeDelivery()
    await mesh.events.take_in(event, delivered)
    await mesh.events.take_in(event, delivered)
    assert len(mesh.store.rows) == 1


async def test_progress_is_for_the_live_feed_alone(mesh: Mesh) -> None:
    await mesh.webhooks.create(TENANT, URL)
    await mesh.hears("asset.created")
    await mesh.events.take_in(an_event(TENANT, "job.progress"), FakeDelivery())
    assert [row.type for row in mesh.store.rows.values()] == ["asset.created"]
    with pytest.raises(InvalidArgument, match="unknown_event_type"):
        await mesh.webhooks.create(TENANT, URL, ("job.progress",))


def test_a_body_is_type_timestamp_and_data() -> None:
    event = an_event(TENANT)
    expected = {"type": "asset.ready", "timestamp": "2026-01-01T00:00:00Z", "data": event.data}
    assert json.loads(payload_of(event)) == expected


async def test_attempts_follow_the_schedule_until_it_is_over(mesh: Mesh) -> None:
    mesh.receivers.answer = lambda _: an_outcome(500, now=mesh.clock.now)
    delivery = a_delivery(a_webhook())
    waits = []
    while delivery.state is State.PENDING:
        now = delivery.next_attempt_time
        assert now is not None
        delivery = delivery.settle(an_outcome(500, now=now), 0.0)
        if delivery.next_attempt_time:
            waits.append((delivery.next_attempt_time - now).total_seconds() - 0.25)
    assert waits == [5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400]
    assert (delivery.state, delivery.attempts, len(delivery.log)) == (State.FAILED, len(SCHEDULE), 10)


def test_jitter_only_delays() -> None:
    waits = [a_delivery(a_webhook()).settle(an_outcome(500), jitter).next_attempt_time for jitter in (0.0, 1.0)]
    assert waits == [THEN + timedelta(seconds=5.25), THEN + timedelta(seconds=5.75)]


@pytest.mark.parametrize("status", [0, 199, 301, 302, 307, 400, 404, 429, 500, 503])
def test_only_2xx_is_a_success(status: int) -> None:
    assert a_delivery(a_webhook()).settle(an_outcome(status), 0).state is State.PENDING
    assert a_delivery(a_webhook()).settle(an_outcome(204), 0).state is State.SUCCEEDED


async def test_who_asks_for_a_pause_gets_it(mesh: Mesh) -> None:
    await mesh.webhooks.create(TENANT, URL)
    mesh.receivers.answer = lambda _: an_outcome(503, now=mesh.clock.now, retry_after=timedelta(seconds=60))
    await mesh.hears()
    await mesh.attempt_all()
    [row] = mesh.store.rows.values()
    assert row.next_attempt_time == mesh.clock.now + timedelta(seconds=60.25)
    await mesh.hears()
    assert await mesh.attempt_all() == 0
    mesh.clock.forward(seconds=61)
    assert await mesh.attempt_all() == 1


def test_nobody_can_ask_for_more_than_a_day() -> None:
    row = a_delivery(a_webhook()).settle(an_outcome(429, retry_after=timedelta(days=900)), 0)
    assert row.next_attempt_time == THEN + timedelta(days=1, seconds=0.25)


async def test_a_slow_webhook_delays_no_other(mesh: Mesh) -> None:
    slow = await mesh.webhooks.create(TENANT, URL)
    for _ in range(3 * AT_ONCE):
        await mesh.hears()
    assert len(await mesh.deliveries.claim(1000)) == AT_ONCE
    await mesh.webhooks.create(TENANT, URL)
    await mesh.hears()
    [due] = await mesh.deliveries.claim(1000)
    assert due.webhook.id != slow.id


async def test_who_is_gone_is_disabled_and_others_hear_of_it(mesh: Mesh) -> None:
    gone = await mesh.webhooks.create(TENANT, URL, ("asset.ready",))
    await mesh.hears()
    await mesh.hears()
    other = await mesh.webhooks.create(TENANT, URL)
    mesh.receivers.answer = lambda _: an_outcome(410, now=mesh.clock.now)
    first, _ = await mesh.deliveries.claim(10)
    await mesh.deliveries.make(first)
    webhook = await mesh.webhooks.get(TENANT, gone.id)
    assert (webhook.state, webhook.disabled_reason) == (WebhookState.DISABLED, Reason.GONE)
    assert mesh.store.disabled == [gone.id]
    assert mesh.store.told[-1].type == "webhook.disabled"
    states = {(row.webhook_id, row.type, row.state) for row in mesh.store.rows.values()}
    assert states == {
        (gone.id, "asset.ready", State.FAILED),
        (other.id, "webhook.disabled", State.PENDING),
    }
    assert await mesh.hears()
    assert [row for row in mesh.store.rows.values() if row.webhook_id == gone.id and row.state is State.PENDING] == []


async def test_who_fails_for_long_is_disabled(mesh: Mesh) -> None:
    made = await mesh.webhooks.create(TENANT, URL)
    mesh.receivers.answer = lambda _: an_outcome(500, now=mesh.clock.now)
    await mesh.hears()
    await mesh.attempt_all()
    assert (await mesh.webhooks.get(TENANT, made.id)).failing_since_time is not None
    mesh.clock.forward(days=FAILING_FOR.days)
    await mesh.attempt_all()
    assert (await mesh.webhooks.get(TENANT, made.id)).disabled_reason == Reason.FAILING


async def test_a_success_ends_a_time_of_failures(mesh: Mesh) -> None:
    made = await mesh.webhooks.create(TENANT, URL)
    mesh.receivers.answer = lambda _: an_outcome(500, now=mesh.clock.now)
    await mesh.hears()
    await mesh.attempt_all()
    mesh.clock.forward(days=4)
    mesh.receivers.answer = lambda _: an_outcome(200, now=mesh.clock.now)
    await mesh.attempt_all()
    assert (await mesh.webhooks.get(TENANT, made.id)).failing_since_time is None


async def test_what_a_lost_lease_brought_changes_nothing(mesh: Mesh) -> None:
    await mesh.webhooks.create(TENANT, URL)
    await mesh.hears()
    [stale] = await mesh.deliveries.claim(10)
    mesh.clock.forward(minutes=1)
    [due] = await mesh.deliveries.claim(10)
    await mesh.deliveries.make(due)
    mesh.receivers.answer = lambda _: an_outcome(500)
    await mesh.deliveries.make(stale)
    assert (await mesh.webhooks.delivery(TENANT, due.delivery.id)).state is State.SUCCEEDED


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


async def test_a_delivery_is_replayed_under_its_id(mesh: Mesh) -> None:
    await mesh.webhooks.create(TENANT, URL)
    event_id = await mesh.hears()
    await mesh.attempt_all()
    [row] = mesh.store.rows.values()
    again = await mesh.webhooks.replay(TENANT, row.id)
    assert (again.state, again.tries, again.attempts) == (State.PENDING, 0, 1)
    await mesh.attempt_all()
    assert [posted[1] for posted in mesh.receivers.posted] == [event_id, event_id]
    assert [each.number for each in (await mesh.webhooks.delivery(TENANT, row.id)).log] == [1, 2]


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
