"""JetStream: publish with an answer, consume from a durable, and make what the topology names."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import nats
from nats.errors import Error as NatsError
from nats.js.errors import NotFoundError

from meshkit.errors import Unavailable
from meshkit.telemetry import log
from meshkit.topology import DURABLES, STREAMS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
    from datetime import datetime

    from nats.aio.client import Client
    from nats.aio.msg import Msg
    from nats.js import JetStreamContext

    from meshkit.topology import Durable

T = TypeVar("T")
PUBLISH_TIMEOUT = 5.0
"""Seconds until a publish without an answer counts as failed."""
_NOTHING_NOW = {"404", "408"}
"""JetStream's status of a pull that found no message, or waited in vain."""


class Bus:
    """One connection to NATS. Reconnects by itself, forever."""

    def __init__(self, client: Client, *, replicas: int = 1) -> None:
        self.client = client
        self._replicas = replicas
        self.js: JetStreamContext = client.jetstream(timeout=PUBLISH_TIMEOUT)

    async def publish(self, subject: str, payload: bytes, headers: Mapping[str, str], message_id: str) -> None:
        """Returns once the stream has stored the message. Raises Unavailable when it did not say so."""
        with _unavailable():
            await self.js.publish(
                subject, payload, timeout=PUBLISH_TIMEOUT, headers={**headers, "Nats-Msg-Id": message_id}
            )

    async def ensure(self) -> None:
        """Make every stream and durable that is missing. Idempotent. Raises Unavailable."""
        with _unavailable():
            for name, config in STREAMS.items():
                wanted = config.evolve(num_replicas=self._replicas)
                try:
                    kept = (await self.js.stream_info(name)).config
                    if (kept.num_replicas or 1) < self._replicas:
                        await self.js.update_stream(kept.evolve(num_replicas=self._replicas))
                except NotFoundError:
                    await self.js.add_stream(wanted)
            for each in DURABLES.values():
                await self.js.add_consumer(each.stream, each.config())

    async def born(self, stream: str) -> datetime:
        """When the stream was made, which is now if it was missing: what was published before is not in it.

        Raises Unavailable.
        """
        created = (await self._made(lambda: self.js.stream_info(stream))).created
        if created is None:
            raise Unavailable("nats_unavailable", f"{stream} does not say when it was made")
        return created

    async def fill(self, stream: str) -> float:
        """Its bytes, as part of those that it may hold. Raises Unavailable."""
        info = await self._made(lambda: self.js.stream_info(stream))
        return info.state.bytes / info.config.max_bytes if info.config.max_bytes else 0.0

    async def waiting(self, durable: Durable) -> int:
        """Messages that were delivered to nobody yet. Raises Unavailable."""
        return (await self._made(lambda: self.js.consumer_info(durable.stream, durable.name))).num_pending or 0

    async def _made(self, look: Callable[[], Awaitable[T]]) -> T:
        """What `look` finds, once what it looks for is made anew if it is missing."""
        with _unavailable():
            try:
                return await look()
            except NotFoundError:
                await self.ensure()
                return await look()


@asynccontextmanager
async def connected(url: str, name: str, *, replicas: int = 1) -> AsyncIterator[Bus]:
    """A Bus whose streams and durables exist; waits for a server as long as it takes. `url`: one, or several by commas.

    Each stream is kept by `replicas` servers at least.
    """

    async def report(error: Exception) -> None:
        log.warning("nats", error=repr(error))

    client = await nats.connect(
        url.split(","),
        name=name,
        max_reconnect_attempts=-1,
        reconnect_time_wait=0.5,
        allow_reconnect=True,
        error_cb=report,
        pending_size=16 << 20,
    )
    bus = Bus(client, replicas=replicas)
    try:
        while True:
            try:
                await bus.ensure()
                break
            except Unavailable as error:
                log.warning("jetstream not ready", detail=error.message)
                await asyncio.sleep(0.5)
        yield bus
    finally:
        await client.close()


@contextmanager
def _unavailable() -> Iterator[None]:
    try:
        yield
    except (NatsError, TimeoutError, OSError) as error:
        raise Unavailable("nats_unavailable", repr(error)) from error


@dataclass(frozen=True, slots=True)
class Pull:
    """One durable's messages, one at a time: batches of more stall in nats-py 2.16."""

    bus: Bus
    durable: Durable

    async def next(self, wait: float) -> Msg | None:
        """The next message; None when there is none now (`wait` 0) or within `wait` seconds.

        Raises Unavailable when the durable cannot be asked, as after its server lost its store.
        """
        ask = {"batch": 1, "expires": int(wait * 1e9)} if wait else {"batch": 1, "no_wait": True}
        subject = f"$JS.API.CONSUMER.MSG.NEXT.{self.durable.stream}.{self.durable.name}"
        with _unavailable():
            # The server answers at `wait` at the latest: the margin is for the way back. Old style, because a message
            # keeps its own subject on delivery, by which the shared inbox of the new style would not know it.
            message = await self.bus.client.request(
                subject, json.dumps(ask).encode(), timeout=wait + 2.0, old_style=True
            )
        status = (message.headers or {}).get("Status")
        if status in _NOTHING_NOW:
            return None
        if status:
            raise Unavailable("nats_unavailable", f"{self.durable.name}: {status}")
        return message
