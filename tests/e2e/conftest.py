"""The whole mesh, once for all end-to-end tests, and a client of it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import httpx2
import pytest
import pytest_asyncio
from reelmesh_client import Client

from local.mesh import RunningMesh, running_mesh
from tests.clips import Clips
from tests.e2e.asking import Asking
from tests.e2e.fetched import Anyone
from tests.e2e.spans import SpanCollector, collecting

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def spans() -> AsyncIterator[SpanCollector]:
    """Hears the spans of every process of the mesh."""
    async with collecting() as collector:
        yield collector


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def mesh(tmp_path_factory: pytest.TempPathFactory, spans: SpanCollector) -> AsyncIterator[RunningMesh]:
    sending = {"OTEL_EXPORTER_OTLP_ENDPOINT": spans.endpoint, "OTEL_EXPORTER_OTLP_INSECURE": "true"}
    env = {**os.environ, **sending, "OTEL_BSP_SCHEDULE_DELAY": "500"}
    # Whatever lies by its asset elsewhere must do so here, too.
    env["OBJECT_KEY_TEMPLATE"] = "athletes/{label.athlete_id}/{yyyy}"
    home = tmp_path_factory.mktemp("mesh")
    async with running_mesh(home, workers=2, durable=False, env=env, metrics=True) as running:
        yield running


@pytest.fixture(scope="session")
def client(mesh: RunningMesh) -> Iterator[Client]:
    with Client(mesh.url, mesh.api_key) as made:
        yield made


@pytest.fixture(scope="session")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Clips:
    return Clips(tmp_path_factory.mktemp("clips"))


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def asking(mesh: RunningMesh) -> AsyncIterator[Asking]:
    headers = {"Authorization": f"Bearer {mesh.api_key}"}
    async with httpx2.AsyncClient(base_url=mesh.url, headers=headers, timeout=60) as http:
        yield Asking(http)


@pytest.fixture(scope="session")
def anyone() -> Iterator[Anyone]:
    made = Anyone()
    yield made
    made.close()
