"""One set of servers for the tests that only use them."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from local.infra import Infra, RunningInfra, controlled_infra


@pytest.fixture(scope="package")
async def servers(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[RunningInfra]:
    async with controlled_infra(Path(tmp_path_factory.mktemp("infra")), durable=False) as running:
        yield running


@pytest.fixture(scope="package")
def infra(servers: RunningInfra) -> Infra:
    return servers.infra
