"""An ASGI application on a port."""

from __future__ import annotations

import asyncio
import socket
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING

import uvicorn

from meshkit.telemetry import log
from services.gateway.patience import Buffered

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Sequence

    from fastapi import FastAPI

DRAIN = 10
"""Seconds that running requests get to end."""
KEPT = 75
"""Seconds that an idle connection is kept."""


class _Server(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Signals are `meshkit.run`'s."""
        yield


@asynccontextmanager
async def serving(app: FastAPI, host: str, port: int, trusted_proxies: Sequence[str] = ()) -> AsyncIterator[int]:
    """The port that it is; 0 asks for any. At the end no new connections, and DRAIN seconds for the running ones."""
    config = uvicorn.Config(
        app,
        lifespan="off",
        http=Buffered,  # type: ignore[arg-type]  # it asks for a Protocol, and takes what its loop takes
        proxy_headers=bool(trusted_proxies),
        forwarded_allow_ips=list(trusted_proxies),
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=DRAIN,
        # Longer than clients and load balancers keep theirs: a request must not meet our closing of its connection.
        timeout_keep_alive=KEPT,
    )
    server = _Server(config)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.create_server((host, port), family=family, backlog=config.backlog) as listener:
        bound = int(listener.getsockname()[1])
        async with asyncio.TaskGroup() as group:
            group.create_task(server.serve([listener]))
            log.info("serving http", port=bound)
            try:
                yield bound
            finally:
                server.should_exit = True
