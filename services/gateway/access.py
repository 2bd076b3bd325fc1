"""Every request: a span, how long it took, and one log line, without what would open a video to its reader."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from opentelemetry.trace import StatusCode

from meshkit import calls
from meshkit.instruments import HTTP_DURATION
from meshkit.telemetry import W3C, log

if TYPE_CHECKING:
    from collections.abc import Mapping

    from opentelemetry.trace import Span
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

UNOBSERVED = frozenset({"/healthz", "/readyz", "/metrics"})
"""Asked every few seconds, by machines."""
_TOKENS = ("/play/", "/embed/")
_NONE: Mapping[str, str] = {}
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "CONNECT", "TRACE"})
"""A client may make up others: they are one."""


def shown(path: str) -> str:
    """`path` as logs and traces may have it: a playback token plays for whoever holds it."""
    for before in _TOKENS:
        if path.startswith(before):
            _, slash, rest = path.removeprefix(before).partition("/")
            return f"{before}…{slash}{rest}"
    return path


class Access:
    """Outside of all others: what it measures is what the client waited for."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] in UNOBSERVED:
            await self._app(scope, receive, send)
            return
        status, began = 0, time.perf_counter()

        async def sending(message: Message) -> None:
            nonlocal status
            status = message.get("status", status)
            await send(message)

        span = calls.received(scope["method"], _context(scope))
        try:
            await self._app(scope, receive, sending)
        finally:
            _tell(scope, span, status, time.perf_counter() - began)


def _context(scope: Scope) -> Mapping[str, str]:
    """The headers that name a trace."""
    given = dict(scope["headers"])
    if b"traceparent" not in given:
        return _NONE
    return {name: given[name.encode()].decode("latin-1") for name in W3C.fields if name.encode() in given}


def _tell(scope: Scope, span: Span, status: int, seconds: float) -> None:
    method = scope["method"] if scope["method"] in _METHODS else "_OTHER"
    route = getattr(scope.get("route"), "path_format", "")
    answer = {"http.request.method": method, "http.route": route, "http.response.status_code": str(status or "")}
    HTTP_DURATION.record(seconds, **answer)
    path = shown(scope["path"])
    if span.is_recording():
        span.update_name(f"{method} {route}".rstrip())
        span.set_attributes(
            {**answer, "http.response.status_code": status, "url.scheme": scope["scheme"], "url.path": path}
        )
        if query := scope["query_string"]:
            span.set_attribute("url.query", query.decode("latin-1"))
        if not 0 < status < 500:
            span.set_status(StatusCode.ERROR)
        span.end()
    log.info("request", method=scope["method"], path=path, status=status, seconds=round(seconds, 4))
