"""The whole mesh on one machine: real servers, a prepared database, and every service as its own process."""

import asyncio
import os
import shutil
import signal
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from local.home import home_at, write_private
from local.infra import Infra, RunningInfra, started_infra
from local.process import Child
from local.services import TABLE, Plan, Service, plan
from local.supervise import Supervised, cancelled, keep_servers


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningMesh:
    """Names: identity, upload, metadata, scheduler, notify, gateway, worker-1…; and postgres, nats, seaweed."""

    home: Path
    url: str
    api_key: str
    operator_key: str
    servers: RunningInfra
    services: Mapping[str, Supervised]
    metrics: Mapping[str, str]
    """Where each of the services shows its metrics, if it was asked to."""

    @property
    def infra(self) -> Infra:
        return self.servers.infra

    @property
    def pids(self) -> dict[str, int]:
        children = {name: each.child for name, each in self.services.items()} | dict(self.servers.children)
        return {name: child.pid for name, child in children.items() if child.running}

    async def kill(self, name: str) -> None:
        """SIGKILL. A service comes back by itself; a server stays down until `start` or `restart`."""
        await (self.services[name].kill() if name in self.services else self.servers.kill(name))

    async def stop(self, name: str) -> None:
        """In peace; it stays down until `start` or `restart`."""
        await (self.services[name].stop() if name in self.services else self.servers.stop(name))

    async def start(self, name: str) -> None:
        """Returns when it is ready."""
        if name in self.services:
            await self.services[name].start()
            await self.services[name].wait_ready()
        else:
            await self.servers.start(name)

    async def restart(self, name: str) -> None:
        await self.stop(name)
        await self.start(name)

    async def wait_ready(self) -> None:
        async with asyncio.TaskGroup() as group:
            for service in self.services.values():
                group.create_task(service.wait_ready())


@asynccontextmanager
async def running_mesh(
    home: Path,
    *,
    workers: int | None = None,
    durable: bool = True,
    env: Mapping[str, str] | None = None,
    table: tuple[Service, ...] = TABLE,
    metrics: bool = False,
) -> AsyncIterator[RunningMesh]:
    """Everything ready. `workers`: one per core when not said. `env`: more variables for every service.

    `metrics`: each service shows them, on a port of its own.
    """
    held = home_at(home)
    async with held.held(), started_infra(held, durable=durable) as servers:
        count = (os.cpu_count() or 1) if workers is None else workers
        told = {**os.environ, **(env or {})}
        planned = plan(held, servers.infra, workers=count, env=told, table=table, metrics=metrics)
        await asyncio.to_thread(prepare_database, planned)
        mesh = composed(planned, servers)
        keeper = asyncio.create_task(keep_servers(servers), name="keep servers")
        try:
            for service in mesh.services.values():
                await service.start()
            await mesh.wait_ready()
            keys = f"REELMESH_API_KEY={mesh.api_key}\nREELMESH_OPERATOR_KEY={mesh.operator_key}\n"
            write_private(held.path / "dev.env", f"REELMESH_URL={mesh.url}\n{keys}")
            yield mesh
        finally:
            await cancelled(keeper)
            await drain(mesh)


def prepare_database(planned: Plan) -> None:
    # Here, because the servers start without them, and they take a while to import.
    from meshkit.db import provision  # noqa: PLC0415
    from meshkit.migrate import migrate  # noqa: PLC0415

    for service in planned.services:
        if service.schema:
            provision(planned.infra.database_admin_url, service.schema, planned.database_password(service.schema))
            migrate(service.schema, planned.database_url(service.schema))


def composed(planned: Plan, servers: RunningInfra) -> RunningMesh:
    return RunningMesh(
        home=planned.home.path,
        url=planned.url,
        api_key=planned.api_key,
        operator_key=planned.operator_key,
        servers=servers,
        services={service.name: supervised(planned, service) for service in planned.services},
        metrics=planned.metrics_urls,
    )


def supervised(planned: Plan, service: Service) -> Supervised:
    def empty_scratch() -> None:
        """Before every start: a killed worker cannot clean up after itself."""
        folder = planned.scratch(service)
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True, mode=0o700)

    child = Child(planned.program(service), planned.home)
    return Supervised(child=child, ready=planned.ready(service), prepare=empty_scratch)


async def drain(mesh: RunningMesh) -> None:
    """Workers first, while there is still someone to hand their tasks back to; then the door; then the rest."""
    workers = [each for name, each in mesh.services.items() if name.startswith("worker-")]
    rest = [each for name, each in mesh.services.items() if not name.startswith("worker-") and name != "gateway"]
    for stage in (workers, [mesh.services["gateway"]], rest):
        await asyncio.gather(*[service.stop() for service in stage])


async def serve(
    home: Path,
    *,
    on_ready: Callable[[RunningMesh], None],
    workers: int | None = None,
    table: tuple[Service, ...] = TABLE,
    metrics: bool = False,
) -> None:
    """Until SIGINT or SIGTERM, the start included; returns when all of it has ended."""
    me = asyncio.current_task()
    assert me is not None
    asked = asyncio.Event()

    def drain_once() -> None:
        if not asked.is_set():
            asked.set()
            me.cancel()

    for each in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(each, drain_once)
    try:
        async with running_mesh(home, workers=workers, table=table, metrics=metrics) as mesh:
            on_ready(mesh)
            await asyncio.Event().wait()
    except asyncio.CancelledError:
        if not asked.is_set():
            raise
