"""With three NATS servers every stream is kept by all of them, also one that was made when one was enough."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING

from local import wheels
from meshkit.nats import connected
from meshkit.topology import STREAMS
from tests.serving import free_port

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path


@asynccontextmanager
async def three_servers(folder: Path) -> AsyncIterator[str]:
    """A URL of them."""
    ports, routes = [free_port() for _ in range(3)], [free_port() for _ in range(3)]
    peers = ",".join(f"nats://127.0.0.1:{port}" for port in routes)
    async with AsyncExitStack() as stack:
        for number, (port, route) in enumerate(zip(ports, routes, strict=True)):
            own = ["-n", f"s{number}", "-a", "127.0.0.1", "-p", str(port), "-js", "-sd", str(folder / f"s{number}")]
            joined = ["--cluster_name", "three", "--cluster", f"nats://127.0.0.1:{route}", "--routes", peers]
            log = ["-l", str(folder / f"s{number}.log")]
            process = await asyncio.create_subprocess_exec(str(wheels.nats_server()), *own, *joined, *log)
            stack.push_async_callback(process.wait)
            stack.callback(process.kill)
        yield ",".join(f"nats://127.0.0.1:{port}" for port in ports)


async def test_streams_are_kept_by_as_many_servers_as_are_said(tmp_path: Path) -> None:
    async with three_servers(tmp_path) as url:
        for said, expected in ((1, 1), (3, 3), (1, 3)):
            async with asyncio.timeout(60), connected(url, "tests", replicas=said) as bus:
                kept = {name: (await bus.js.stream_info(name)).config.num_replicas for name in STREAMS}
                assert kept == dict.fromkeys(STREAMS, expected)
