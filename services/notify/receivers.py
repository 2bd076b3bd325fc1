"""Those whom webhooks call: one signed request each, to an address that was looked at.

The name is resolved by whoever connects, and the connection goes to what it was resolved to: a name that answers
differently a moment later gains nothing. Redirects are not followed, and no connection is used again.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

import httpcore2
from opentelemetry.trace import StatusCode
from standardwebhooks import Webhook as Signer

from meshkit import calls, telemetry
from meshkit.errors import MeshError, TooLarge
from services.notify.delivery import Outcome
from services.notify.webhook import address_of

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence

    from httpcore2._types import SOCKET_OPTION
    from opentelemetry.trace import Span

    from services.notify.delivery import Delivery

    Resolve = Callable[[str, int], Awaitable[str]]

TIMEOUT = 15.0
"""Seconds for a whole attempt; less than the lease."""
_AGENT = "Reelmesh-Webhooks/1"


class HttpReceivers:
    def __init__(self, pool: httpcore2.AsyncConnectionPool, resolve: Resolve, timeout: float) -> None:
        self._pool = pool
        self._resolve = resolve
        self._timeout = timeout

    async def check(self, url: str) -> None:
        await self._resolve(*address_of(url))

    async def post(
        self, url: str, delivery: Delivery, secrets: Sequence[str], *, most: int = 0, within: float | None = None
    ) -> Outcome:
        with calls.made("POST") as span:
            now = datetime.now(UTC)
            headers = headers_of(delivery, secrets, now) | telemetry.inject()
            outcome = await self._posted(url, delivery, headers, now, most, within or self._timeout)
            if span.is_recording():
                _tell(span, outcome)
        return outcome

    async def _posted(
        self, url: str, delivery: Delivery, headers: dict[str, str], now: datetime, most: int, within: float
    ) -> Outcome:
        began = time.monotonic()
        status, error, retry_after, content_type, body = 0, "", None, "", b""
        # To resolve, to connect and for TLS, a third each: a handshake that is cancelled from outside leaves its socket
        # to the garbage collector.
        limits = {"timeout": {"connect": self._timeout / 3}}
        try:
            async with (
                asyncio.timeout(within),
                self._pool.stream(
                    "POST", url, headers=[*headers.items()], content=delivery.payload.encode(), extensions=limits
                ) as answer,
            ):
                status = answer.status
                error = "" if 200 <= status < 300 else f"http_{status}"
                # What it says besides is nothing to most, and may be without end.
                if most and not error:
                    content_type, body = header(answer.headers, b"content-type"), await _read(answer, most)
            retry_after = retry_after_of(answer.headers, datetime.now(UTC)) if error else None
        except (TimeoutError, httpcore2.TimeoutException):
            error = "timeout"
        except MeshError as refused:
            error = refused.reason
        except (httpcore2.NetworkError, httpcore2.ProtocolError, httpcore2.UnsupportedProtocol, OSError):
            error = "connection_failed"
        return Outcome(
            start_time=now,
            duration=round(time.monotonic() - began, 4),
            url=url,
            headers=headers,
            status=status,
            error=error,
            retry_after=retry_after,
            content_type=content_type,
            body=body,
        )


def _tell(span: Span, outcome: Outcome) -> None:
    host, _ = address_of(outcome.url)
    span.set_attributes({"http.request.method": "POST", "server.address": host})
    if outcome.status:
        span.set_attribute("http.response.status_code", outcome.status)
    if outcome.error:
        span.set_attribute("error.type", outcome.error)
        span.set_status(StatusCode.ERROR)


async def _read(answer: httpcore2.Response, most: int) -> bytes:
    body = bytearray()
    async for chunk in answer.aiter_stream():
        body += chunk
        if len(body) > most:
            raise TooLarge("answer_too_large")
    return bytes(body)


class _Guarded(httpcore2.AnyIOBackend):
    def __init__(self, resolve: Resolve) -> None:
        self._resolve = resolve

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[SOCKET_OPTION] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        address = await self._resolve(host, port)
        return await super().connect_tcp(address, port, timeout, local_address, socket_options)


@asynccontextmanager
async def http_receivers(
    resolve: Resolve, timeout: float = TIMEOUT, ssl_context: ssl.SSLContext | None = None
) -> AsyncIterator[HttpReceivers]:
    """`resolve` decides: it gives the address to connect to, or raises."""
    # A connection per request: bounded by those who send, and none that a receiver just closed is used again.
    async with httpcore2.AsyncConnectionPool(
        ssl_context, max_connections=None, max_keepalive_connections=0, network_backend=_Guarded(resolve)
    ) as pool:
        yield HttpReceivers(pool, resolve, timeout)


def headers_of(delivery: Delivery, secrets: Sequence[str], now: datetime) -> dict[str, str]:
    """Of Standard Webhooks 1.0, besides the usual ones."""
    signatures = [Signer(each).sign(delivery.event_id, now, delivery.payload) for each in secrets]
    return {
        "content-type": "application/json",
        "user-agent": _AGENT,
        "connection": "close",
        "webhook-id": delivery.event_id,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": " ".join(signatures),
    }


def header(headers: Sequence[tuple[bytes, bytes]], wanted: bytes) -> str:
    """Empty when it is not there."""
    found: Mapping[bytes, bytes] = {name.lower(): value for name, value in headers}
    return found.get(wanted, b"").decode("ascii", "replace").strip()


def retry_after_of(headers: Sequence[tuple[bytes, bytes]], now: datetime) -> timedelta | None:
    """Retry-After (RFC 9110 section 10.2.3): seconds or a date; None for anything else."""
    value = header(headers, b"retry-after")
    if value.isdecimal() and value.isascii():
        return timedelta(seconds=min(int(value[:9]), 10**8))
    try:
        return max(parsedate_to_datetime(value).astimezone(UTC) - now, timedelta(0))
    except (ValueError, TypeError, OverflowError):
        return None
