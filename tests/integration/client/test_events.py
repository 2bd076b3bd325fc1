"""The live feed over a connection that breaks."""

from datetime import UTC, datetime
from itertools import islice

import pytest
from reelmesh_client import Client, Event, ProblemError, UnreachableError

from tests.fakes.api_state import KEY, FakeApi

MOMENT = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)


def happened(api: FakeApi, count: int) -> None:
    api.events = [(f"e{number}", "job.progress", {"progress": number / 10}) for number in range(count)]


def test_events_come_typed(api: FakeApi, client: Client) -> None:
    happened(api, 1)

    event = next(client.events())

    assert event == Event(id="e0", type="job.progress", timestamp=MOMENT, data={"progress": 0.0})


def test_after_a_break_it_goes_on_without_a_gap(api: FakeApi, client: Client) -> None:
    happened(api, 7)
    api.cut_after = 3

    seen = [event.id for event in islice(client.events(), 7)]

    assert seen == [f"e{number}" for number in range(7)]
    assert api.resumed_from == ["", "e2", "e5"]


def test_it_begins_after_the_event_that_was_named(api: FakeApi, client: Client) -> None:
    happened(api, 3)

    assert next(client.events(last_event_id="e1")).id == "e2"


def test_who_is_refused_is_told(api: FakeApi) -> None:
    with Client(api.url, "rmk_wrong") as client, pytest.raises(ProblemError, match="not valid"):
        next(client.events())


def test_an_outage_is_waited_out(api: FakeApi, client: Client) -> None:
    happened(api, 1)
    api.outages = 5

    assert next(client.events()).id == "e0"


def test_something_else_than_a_feed_is_told(api: FakeApi) -> None:
    with Client(f"{api.url}/v1/assets?", KEY) as client, pytest.raises((ProblemError, UnreachableError)):
        next(client.events())
