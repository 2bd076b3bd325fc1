"""The servers of docker-compose.yml, as it describes them, in containers: for REELMESH_TEST_INFRA=containers."""

from __future__ import annotations

import asyncio
import os
import re
import secrets
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
import yaml
from testcontainers.core.container import DockerContainer

from local import wheels
from local.infra import Infra
from meshkit import bucket
from meshkit.settings import S3Settings
from tests.eventually import eventually

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

REPOSITORY = Path(__file__).resolve().parents[1]
PORTS = {"postgres": 5432, "nats": 4222, "seaweedfs": 8333}
STARTED = 120.0
"""Seconds; an image may have to be pulled."""
_VARIABLE = re.compile(r"\$\{(\w+)(?::([-?])([^{}]*))?\}")


@asynccontextmanager
async def infra_in_containers() -> AsyncIterator[Infra]:
    told = {
        "POSTGRES_PASSWORD": secrets.token_hex(16),
        "NATS_PASSWORD": f"p{secrets.token_hex(16)}",
        "S3_ACCESS_KEY_ID": secrets.token_hex(10),
        "S3_SECRET_ACCESS_KEY": secrets.token_hex(20),
    }
    described = yaml.safe_load((REPOSITORY / "docker-compose.yml").read_text())["services"]
    async with AsyncExitStack() as stack:
        at = {}
        for name, port in PORTS.items():
            container = _container(_filled(described[name], {**os.environ, **told}), port)
            await asyncio.to_thread(container.start)
            stack.callback(container.stop)
            at[name] = f"{container.get_container_host_ip()}:{container.get_exposed_port(port)}"
        infra = Infra(
            database_admin_url=f"postgresql://reelmesh_admin:{told['POSTGRES_PASSWORD']}@{at['postgres']}/reelmesh",
            nats_url=f"nats://reelmesh:{told['NATS_PASSWORD']}@{at['nats']}",
            s3_endpoint_url=f"http://{at['seaweedfs']}",
            s3_access_key_id=told["S3_ACCESS_KEY_ID"],
            s3_secret_access_key=told["S3_SECRET_ACCESS_KEY"],
            s3_bucket="reelmesh",
            ffmpeg=str(wheels.ffmpeg()),
        )
        await _ready(infra)
        yield infra


def _container(service: dict[str, Any], port: int) -> DockerContainer:
    made = DockerContainer(service["image"]).with_exposed_ports(port).with_envs(**service["environment"])
    if command := service.get("command"):
        made.with_command(command)
    if entrypoint := service.get("entrypoint"):
        made.with_kwargs(entrypoint=entrypoint)
    for volume in service["volumes"]:
        host, inside, *mode = volume.split(":")
        if host.startswith("./"):
            made.with_volume_mapping(str(REPOSITORY / host), inside, *mode)
    return made


def _filled(value: Any, told: dict[str, str]) -> Any:
    """`value` with its variables as Compose fills them."""
    if isinstance(value, dict):
        return {name: _filled(each, told) for name, each in value.items()}
    if isinstance(value, list):
        return [_filled(each, told) for each in value]
    if isinstance(value, str):
        return _VARIABLE.sub(lambda found: told.get(found[1]) or (found[3] if found[2] == "-" else ""), value)
    return value


async def _ready(infra: Infra) -> None:
    """NATS is waited for by whoever connects."""

    def answers() -> bool:
        try:
            with psycopg.connect(infra.database_admin_url, connect_timeout=5) as connection:
                return connection.execute("SELECT 1").fetchone() == (1,)
        except psycopg.OperationalError:
            return False

    await eventually(lambda: asyncio.to_thread(answers), within=STARTED, every=0.5)
    settings = S3Settings(
        s3_endpoint_url=infra.s3_endpoint_url,
        s3_public_endpoint_url=infra.s3_endpoint_url,
        s3_bucket=infra.s3_bucket,
        s3_access_key_id=infra.s3_access_key_id,
        s3_secret_access_key=infra.s3_secret_access_key,
    )
    await asyncio.to_thread(bucket.prepare, settings, STARTED)
