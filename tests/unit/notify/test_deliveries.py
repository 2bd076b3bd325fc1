"""What is decided of deliveries: to whom, when, and when no more; over fakes."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from meshkit.errors import InvalidArgument
from meshkit.ids import new_id
from services.notify.deliveries import AT_ONCE
from services.notify.delivery import SCHEDULE, State, payload_of
from services.notify.webhook import FAILING_FOR, Reason
from services.notify.webhook import State as WebhookState
from tests.fakes.notify import FakeDelivery, an_event
from tests.fakes.webhooks import THEN, a_delivery, a_webhook, an_outcome
from tests.unit.notify.conftest import TENANT, Mesh

URL = "https://club.example/hook"


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
