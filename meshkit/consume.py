"""Run a handler on every message of a durable: acknowledge, ask again later, or bury."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from google.protobuf.message import DecodeError, Message

from meshkit import instruments, outbox, telemetry
from meshkit.errors import MeshError, Unavailable
from meshkit.nats import Pull
from meshkit.telemetry import log

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from nats.aio.msg import Msg

    from meshkit.db import Database
    from meshkit.nats import Bus
    from meshkit.topology import Durable

ATTEMPTS = 10
"""Deliveries after which an unexpected failure is no longer taken for a passing one."""
ORDERED_ATTEMPTS = 5
"""The same where all others wait: unexpected failures of one message in this process, within seconds of each other."""
_WAIT = 5.0
"""Seconds of one pull: one that a restarting server forgot is asked anew this soon."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """What a handler may need to know of a message besides its text."""

    consumer: str
    message_id: str
    """The event's id: the same over all its deliveries."""
    create_time: datetime


Handler = Callable[[Any, Delivery], Awaitable[None]]
"""Takes an event of one of the types that its consumer names."""


class Consumer:
    """Gives each event of one durable to a handler, in order.

    `events` maps the fact in the subject to its message type; other facts are none of our business. The handler decides
    by what it raises: nothing acknowledges; Unavailable asks again with backoff; any other MeshError buries at once; an
    unexpected error buries after ATTEMPTS deliveries, or within seconds where others wait for it.
    """

    def __init__(
        self, bus: Bus, db: Database, durable: Durable, events: Mapping[str, type[Message]], handler: Handler
    ) -> None:
        self._bus = bus
        self._db = db
        self._durable = durable
        self._events = events
        self._handler = handler
        self._failures: dict[str, int] = {}
        """Of the message that all others wait for."""
        # From zero on, so that the first one is an increase.
        instruments.MESSAGES_REDELIVERED.add(0, consumer=durable.name)

    async def run(self) -> None:
        """Until cancelled."""
        pull = Pull(self._bus, self._durable)
        while True:
            try:
                if message := await pull.next(_WAIT):
                    await self._take(message)
            except Unavailable as error:
                log.warning("consumer waits", consumer=self._durable.name, reason=error.reason, detail=error.message)
                await asyncio.sleep(0.5)
                with suppress(Unavailable):
                    await self._bus.ensure()

    async def _take(self, message: Msg) -> None:
        headers = dict(message.headers or {})
        deliveries = message.metadata.num_delivered or 1
        if deliveries > 1:
            instruments.MESSAGES_REDELIVERED.add(consumer=self._durable.name)
        message_id = headers.get(outbox.EVENT_ID, f"{message.metadata.stream}-{message.metadata.sequence.stream}")
        with telemetry.processing(self._durable.stream, headers, redelivered=deliveries > 1):
            try:
                await self._handle(message, message_id)
            except Unavailable as error:
                log.warning("event waits", consumer=self._durable.name, subject=message.subject, reason=error.reason)
                await self._again(message, deliveries)
            except MeshError as error:
                await self._bury(message, message_id, str(error))
            except Exception as error:
                log.exception("event failed", consumer=self._durable.name, subject=message.subject)
                if self._worn_out(message_id, deliveries):
                    await self._bury(message, message_id, repr(error))
                else:
                    await self._again(message, deliveries)
            else:
                await message.ack()
                self._count("done")

    async def _handle(self, message: Msg, message_id: str) -> None:
        event_type = self._events.get(message.subject.split(".")[-2])
        if event_type is None:
            return
        event = event_type()
        try:
            event.ParseFromString(message.data)
        except DecodeError as error:
            raise MeshError("undecodable", str(error)) from error
        delivery = Delivery(consumer=self._durable.name, message_id=message_id, create_time=message.metadata.timestamp)
        await self._handler(event, delivery)

    async def _again(self, message: Msg, deliveries: int) -> None:
        delay = min(0.25 * 2**deliveries, 5.0) if self._durable.ordered else min(2.0**deliveries, 60.0)
        await message.nak(delay=delay)
        self._count("again")

    def _worn_out(self, message_id: str, deliveries: int) -> bool:
        """Whether a message that failed unexpectedly, once more, is to be buried."""
        if not self._durable.ordered:
            return deliveries >= ATTEMPTS
        # Deliveries that met a database that was away say nothing of the message.
        self._failures = {message_id: self._failures.get(message_id, 0) + 1}
        return self._failures[message_id] >= ORDERED_ATTEMPTS

    def _count(self, outcome: str) -> None:
        instruments.MESSAGES_HANDLED.add(consumer=self._durable.name, outcome=outcome)

    async def _bury(self, message: Msg, message_id: str, reason: str) -> None:
        log.error("event buried", consumer=self._durable.name, subject=message.subject, reason=reason)
        await outbox.bury(self._db, self._durable.name, message_id, message.subject, message.data, reason)
        await message.term()
        self._count("buried")
