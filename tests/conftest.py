"""The real servers that integration tests share, one set for the whole run."""

from __future__ import annotations

import asyncio
import os
import secrets
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio
import sqlalchemy as sa

from local.infra import Infra, running_infra
from meshkit import topology
from meshkit.db import Database, provision
from meshkit.migrate import migrate
from meshkit.nats import Bus, connected
from meshkit.objects import Objects
from meshkit.outbox import OUTBOX
from meshkit.settings import S3Settings
from services.transcode.scheduler.tables import QUEUED, RUNNING, TASKS
from services.transcode.scheduler.task import TaskState
from tests.serving import identity_server

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def infra(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Infra]:
    if os.environ.get("REELMESH_TEST_INFRA") == "containers":
        # Only then: it is a client of Docker.
        from tests.containers import infra_in_containers

        async with infra_in_containers() as running:
            yield running
    else:
        async with running_infra(tmp_path_factory.mktemp("infra"), durable=False) as running:
            yield running


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def bus(infra: Infra) -> AsyncIterator[Bus]:
    async with connected(infra.nats_url, "tests") as connection:
        yield connection


@pytest.fixture(scope="session")
def s3_settings(infra: Infra) -> S3Settings:
    return S3Settings(
        s3_endpoint_url=infra.s3_endpoint_url,
        s3_public_endpoint_url=infra.s3_endpoint_url,
        s3_bucket=infra.s3_bucket,
        s3_access_key_id=infra.s3_access_key_id,
        s3_secret_access_key=infra.s3_secret_access_key,
    )


@pytest.fixture(scope="session")
def objects(s3_settings: S3Settings) -> Objects:
    return Objects(s3_settings)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def identity_addr() -> AsyncIterator[str]:
    async with identity_server() as address:
        yield address


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def database(
    database_url: Callable[[str], Awaitable[str]],
) -> AsyncIterator[Callable[[str], Awaitable[Database]]]:
    """`await database("upload")`: that service's schema, at its newest version. Tests keep apart by their tenants."""
    made: dict[str, Database] = {}

    async def database_of(service: str) -> Database:
        if service not in made:
            made[service] = Database(await database_url(service))
        return made[service]

    yield database_of
    for each in made.values():
        await each.close()


@pytest.fixture(scope="session")
def idle(database: Callable[[str], Awaitable[Database]], bus: Bus) -> Callable[[], Awaitable[None]]:
    """Ends the tasks that other tests left behind, and forgets what they said: a worker is given any tenant's tasks."""

    async def end_all() -> None:
        async with (await database("transcode")).transaction() as connection:
            await connection.execute(sa.update(TASKS).where(QUEUED | RUNNING).values(state=TaskState.CANCELLED))
            await connection.execute(sa.delete(OUTBOX).where(OUTBOX.c.publish_time.is_(None)))
        for stream in topology.STREAMS:
            await bus.js.purge_stream(stream)

    return end_all


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def alone(idle: Callable[[], Awaitable[None]]) -> None:
    """For modules whose service hears what every test says: it begins with nothing to catch up on."""
    await idle()


@pytest.fixture(scope="session")
def database_url(infra: Infra) -> Callable[[str], Awaitable[str]]:
    """`await database_url("upload")`: for a service that makes its own connections."""
    made: dict[str, str] = {}

    async def url_of(service: str) -> str:
        if service not in made:
            made[service] = await asyncio.to_thread(_prepare, infra.database_admin_url, service)
        return made[service]

    return url_of


def _prepare(admin_url: str, service: str) -> str:
    password = secrets.token_urlsafe()
    provision(admin_url, service, password)
    scheme, rest = admin_url.split("://")
    url = f"{scheme}://reelmesh_{service}:{password}@{rest.split('@')[-1]}"
    migrate(service, url)
    return url
