"""The gateway as the process that it is deployed as."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from typing import TYPE_CHECKING

import httpx2

from tests.eventually import eventually
from tests.fakes.gateway import SERVICE_KEY
from tests.serving import free_port

if TYPE_CHECKING:
    from meshkit.settings import S3Settings
    from tests.fakes.gateway import FakeServices


def environment(services: FakeServices, s3: S3Settings, port: int) -> dict[str, str]:
    names = ("IDENTITY", "UPLOAD", "METADATA", "TRANSCODE", "NOTIFY")
    told = {"HTTP_PORT": str(port), "PUBLIC_URL": f"http://127.0.0.1:{port}", "SERVICE_KEY": SERVICE_KEY}
    store = {name.upper(): str(value) for name, value in s3.model_dump().items() if name.startswith("s3_")}
    return {**os.environ, **told, **store, **{f"{name}_ADDR": services.address for name in names}}


async def test_it_serves_until_it_is_told_to_end(services: FakeServices, s3_settings: S3Settings) -> None:
    port = free_port()
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "services.gateway",
        env=environment(services, s3_settings, port),
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}") as http:

            async def ready() -> bool:
                try:
                    return (await http.get("/readyz")).status_code == 200
                except httpx2.TransportError:
                    return False

            await eventually(ready, within=30.0)
            trace = "0af7651916cd43dd8448eb211c80319c"
            answer = await http.get("/v1/me", headers={"traceparent": f"00-{trace}-b7ad6b7169203331-01"})
            assert answer.json()["trace_id"] == trace
            process.send_signal(signal.SIGTERM)
            written, _ = await asyncio.wait_for(process.communicate(), 15)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode == 0
    requests = [line for line in written.decode().splitlines() if '"event": "request"' in line]
    assert len(requests) == 1
    assert f'"trace_id": "{trace}"' in requests[0]


async def test_it_names_everything_that_is_missing() -> None:
    environment = {name: value for name, value in os.environ.items() if name in {"PATH", "HOME", "LANG"}}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "services.gateway", env=environment, stderr=asyncio.subprocess.PIPE
    )
    _, complaint = await asyncio.wait_for(process.communicate(), 30)
    assert process.returncode == 2
    for name in ("HTTP_PORT", "PUBLIC_URL", "SERVICE_KEY", "NOTIFY_ADDR", "S3_BUCKET"):
        assert name in complaint.decode()
