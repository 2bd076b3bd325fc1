"""The live feed, without a gap: after every break it goes on behind the last event that was seen."""

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from typing import Any

import httpx2
import stamina

from reelmesh_client.errors import UnreachableError
from reelmesh_client.models import Event, moment
from reelmesh_client.transport import Transport, reaching, understanding, worth_another_try

TIMEOUT = httpx2.Timeout(10.0, read=60.0)
"""Heartbeats come far more often than every 60 seconds: a feed silent for longer is gone."""
BREAKS = (httpx2.NetworkError, httpx2.TimeoutException, httpx2.RemoteProtocolError)
PAUSE = 1.0
"""Seconds before connecting again, until the server asks for others."""


class Feed:
    def __init__(self, transport: Transport, params: Mapping[str, Any], last_event_id: str) -> None:
        self._transport = transport
        self._params = params
        self._seen = last_event_id
        self._pause = PAUSE

    def __iter__(self) -> Iterator[Event]:
        """Endless. Raises ProblemError when refused, UnreachableError when the mesh stays away."""
        while True:
            yield from self._connected()
            time.sleep(self._pause)

    def _connected(self) -> Iterator[Event]:
        """Events until the connection breaks."""
        with ExitStack() as connection:
            response = self._opened(connection)
            try:
                yield from self._read(response)
            except UnreachableError as error:
                if not isinstance(error.__cause__, BREAKS):
                    raise

    def _opened(self, connection: ExitStack) -> httpx2.Response:
        request = {"params": self._params, "headers": self._headers, "timeout": TIMEOUT}
        for attempt in stamina.retry_context(on=worth_another_try, attempts=10, timeout=60.0):
            with attempt:
                return connection.enter_context(self._transport.stream("/v1/events", **request))
        raise AssertionError("the last attempt returns or raises")

    @property
    def _headers(self) -> dict[str, str]:
        resume = {"Last-Event-ID": self._seen} if self._seen else {}
        return {"Accept": "text/event-stream", **resume}

    def _read(self, response: httpx2.Response) -> Iterator[Event]:
        with reaching(self._transport.url):
            for message in httpx2.EventSource(response):
                if message.retry is not None:
                    self._pause = message.retry / 1000
                if message.data:
                    with understanding(self._transport.url):
                        event = event_of(message)
                    yield event
                self._seen = message.id or self._seen


def event_of(message: httpx2.ServerSentEvent) -> Event:
    body = json.loads(message.data)
    return Event(id=message.id, type=message.event, timestamp=moment(body, "timestamp"), data=body.get("data") or {})
