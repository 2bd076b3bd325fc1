"""Events as frames of server-sent events."""

from __future__ import annotations

import json
from typing import Any

from reelmesh.notify.v1 import notify_pb2

from services.gateway.feed import frame


def a_response(**data: Any) -> notify_pb2.WatchEventsResponse:
    response = notify_pb2.WatchEventsResponse(event=notify_pb2.Event(id="7", type="job.progress"), last_event_id="7")
    response.event.create_time.FromJsonString("2026-11-20T12:00:00.5Z")
    response.event.data.update(data)
    return response


def test_an_event_is_one_frame() -> None:
    lines = frame(a_response(text="two\nlines", size=3, progress=0.5)).decode().split("\n")
    assert lines[-2:] == ["", ""]
    fields = dict(line.split(": ", 1) for line in lines[:-2])
    assert list(fields) == ["event", "data", "id"]
    assert (fields["event"], fields["id"]) == ("job.progress", "7")
    assert json.loads(fields["data"]) == {
        "type": "job.progress",
        "timestamp": "2026-11-20T12:00:00.500Z",
        "data": {"text": "two\nlines", "size": 3, "progress": 0.5},
    }
    assert '"size":3,' in fields["data"] or '"size":3}' in fields["data"]


def test_a_heartbeat_is_a_comment_that_resumes() -> None:
    assert frame(notify_pb2.WatchEventsResponse(last_event_id="7")) == b": heartbeat\nid: 7\n\n"
    assert frame(notify_pb2.WatchEventsResponse()) == b": heartbeat\n\n"
