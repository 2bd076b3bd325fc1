"""One log line for every request, without what would open a video to its reader."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from meshkit.telemetry import log

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

UNOBSERVED = frozenset({"/healthz", "/readyz", "/metrics"})
"""Asked every few seconds, by machines."""
_TOKENS = ("/play/", "/embed/")


def shown(path: str) -> str:
    """`path` as logs and traces may have it: a playback token plays for whoever holds it."""
    for before in _TOKENS:
        if path.startswith(before):
            _, slash, rest = path.removeprefix(before).partition("/")
            return f"{before}…{slash}{rest}"
    return path


class AccessLog:
    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] in UNOBSERVED:
            await self._app(scope, receive, send)
            return
        status, began = 0, time.monotonic()

        async def sending(message: Message) -> None:
            nonlocal status
            status = message.get("status", status)
            await send(message)

        try:
            await self._app(scope, receive, sending)
        finally:
            seconds = round(time.monotonic() - began, 4)
            log.info("request", method=scope["method"], path=shown(scope["path"]), status=status, seconds=seconds)
