"""The three real servers of a mesh, started together and stopped together."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from local import wheels
from local.home import Home, home_at
from local.nats import Nats, nats_in
from local.postgres import Postgres, postgres_in
from local.process import Child
from local.seaweed import BUCKET, Seaweed, seaweed_in
from local.server import Server


@dataclass(frozen=True, slots=True, kw_only=True)
class Infra:
    """What a service is told about the servers."""

    database_admin_url: str
    nats_url: str
    s3_endpoint_url: str
    s3_access_key_id: str
    s3_secret_access_key: str
    s3_bucket: str
    ffmpeg: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningInfra:
    """The servers themselves, for whoever wants to kill one. Names: postgres, nats, seaweed."""

    infra: Infra
    servers: Mapping[str, Server]
    children: Mapping[str, Child]
    down: set[str] = field(default_factory=set)
    """Those that someone stopped or killed through us, and wants to stay down."""

    async def start(self, name: str) -> None:
        """On the same ports, with the same data."""
        server, child = self.servers[name], self.children[name]
        await server.prepare()
        await child.start()
        self.down.discard(name)
        await child.wait_ready(server.ready)
        await server.settle()

    async def stop(self, name: str) -> None:
        self.down.add(name)
        await self.children[name].stop()
        self.servers[name].tidy()

    async def kill(self, name: str) -> None:
        """SIGKILL; it stays down until it is started."""
        self.down.add(name)
        await self.children[name].kill()

    async def restart(self, name: str) -> None:
        await self.stop(name)
        await self.start(name)

    async def wipe_nats(self) -> None:
        """Every stream and message lost, the server up again, empty."""
        nats = self.servers["nats"]
        assert isinstance(nats, Nats)
        await self.kill("nats")
        nats.wipe()
        await self.start("nats")


@asynccontextmanager
async def running_infra(home: Path, *, durable: bool = True) -> AsyncIterator[Infra]:
    """Three real servers, ready. Their state stays in `home`; `durable=False` trades power-loss safety for speed."""
    async with controlled_infra(home, durable=durable) as running:
        yield running.infra


@asynccontextmanager
async def controlled_infra(home: Path, *, durable: bool = True) -> AsyncIterator[RunningInfra]:
    held = home_at(home)
    async with held.held(), started_infra(held, durable=durable) as running:
        yield running


@asynccontextmanager
async def started_infra(home: Home, *, durable: bool = True) -> AsyncIterator[RunningInfra]:
    """For whoever already holds the home."""
    running = planned(home, durable=durable)
    try:
        async with asyncio.TaskGroup() as group:
            for name in running.servers:
                group.create_task(running.start(name))
        yield running
    finally:
        await asyncio.gather(*[running.stop(name) for name in running.servers])


def planned(home: Home, *, durable: bool) -> RunningInfra:
    postgres, nats, seaweed = postgres_in(home, durable=durable), nats_in(home, durable=durable), seaweed_in(home)
    servers: dict[str, Server] = {"postgres": postgres, "nats": nats, "seaweed": seaweed}
    return RunningInfra(
        infra=described(postgres, nats, seaweed),
        servers=servers,
        children={name: Child(server.program, home) for name, server in servers.items()},
    )


def described(postgres: Postgres, nats: Nats, seaweed: Seaweed) -> Infra:
    return Infra(
        database_admin_url=postgres.admin_url,
        nats_url=nats.url,
        s3_endpoint_url=seaweed.endpoint_url,
        s3_access_key_id=seaweed.access_key_id,
        s3_secret_access_key=seaweed.secret_access_key,
        s3_bucket=BUCKET,
        ffmpeg=str(wheels.ffmpeg()),
    )
