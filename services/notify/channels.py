"""The live feed in JetStream: each reader has an ephemeral consumer, which goes when its reader does.

A consumer of this kind acknowledges nothing and lives in the server's memory, so what it remembers may be lost at any
time. The reader's own position is what counts: whenever the consumer is gone, or an event got lost on its way, another
one begins right after it.
"""

from __future__ import annotations

import asyncio
import contextlib
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from nats.errors import Error as NatsError
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy

from meshkit.errors import Unavailable
from meshkit.ids import new_id
from meshkit.nats import Pull
from meshkit.telemetry import log
from meshkit.topology import FEED, Durable
from services.notify import wire
from services.notify.domain import Told

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from datetime import datetime

    from nats.aio.msg import Msg

    from meshkit.nats import Bus

FORGOTTEN_AFTER = 30.0
"""Seconds until the server drops the consumer of a reader that nobody ended."""
_LOOK = 5.0
"""Seconds in one request at most: a server that went away meanwhile is noticed when it should have answered."""
_RETRY = 0.5


class JetStreamFeed:
    def __init__(self, bus: Bus) -> None:
        self._bus = bus

    @asynccontextmanager
    async def follow(self, tenant_id: str, after: int | None) -> AsyncIterator[JetStreamFollower]:
        follower = JetStreamFollower(self._bus, f"feed.{tenant_id}.>")
        try:
            await follower.begin(after)
            yield follower
        finally:
            await follower.end()


class JetStreamFollower:
    def __init__(self, bus: Bus, subject: str) -> None:
        self.position = 0
        self.pending = 0
        """Events after the position, as far as was heard."""
        self._bus = bus
        self._subject = subject
        self._stream_made: datetime | None = None
        self._pull: Pull | None = None
        self._given = 0

    async def begin(self, after: int | None) -> None:
        """Raises Unavailable when the feed cannot be read now."""
        try:
            info = await self._bus.js.stream_info(FEED)
            self.position = info.state.last_seq if after is None else after
            made_anew = self._stream_made not in {None, info.created}
            if made_anew or self.position > info.state.last_seq:
                # The server lost its store: positions start again, and all that is there was not seen.
                self.position = 0
            self._stream_made = info.created
            self._pull = await self._consumer()
            self._given = 0
        except (NatsError, TimeoutError, OSError) as error:
            raise Unavailable("nats_unavailable", repr(error)) from error

    async def next(self, wait: float) -> Told | None:
        try:
            if self._pull is None:
                await self.begin(self.position)
                return None
            message = await self._pull.next(min(wait, _LOOK))
        except Unavailable as error:
            log.warning("feed waits", reason=error.reason, detail=error.message)
            await self.end()
            await asyncio.sleep(min(wait, _RETRY))
            return None
        return await self._told(message) if message else None

    async def end(self) -> None:
        pull, self._pull = self._pull, None
        if pull is not None and self._bus.client.is_connected:
            # Should it fail, the server forgets the consumer by itself.
            with contextlib.suppress(NatsError, TimeoutError, OSError):
                await self._bus.js.delete_consumer(FEED, pull.durable.name)

    async def _told(self, message: Msg) -> Told | None:
        sequence = message.metadata.sequence
        if sequence.consumer != self._given + 1:
            await self.end()
            return None
        self._given = sequence.consumer
        self.position, self.pending = sequence.stream, message.metadata.num_pending
        event = wire.from_event(message.data)
        return Told(position=self.position, event=event, behind=message.metadata.num_pending)

    async def _consumer(self) -> Pull:
        name = f"watch-{new_id()}"
        config = ConsumerConfig(
            name=name,
            filter_subject=self._subject,
            deliver_policy=DeliverPolicy.BY_START_SEQUENCE,
            opt_start_seq=self.position + 1,
            ack_policy=AckPolicy.NONE,
            inactive_threshold=FORGOTTEN_AFTER,
            mem_storage=True,
            num_replicas=1,
        )
        self.pending = (await self._bus.js.add_consumer(FEED, config)).num_pending or 0
        return Pull(self._bus, Durable(name=name, stream=FEED, filter_subject=self._subject))
