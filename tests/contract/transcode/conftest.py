"""Both stores, one after the other."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from services.transcode.scheduler.store import PostgresStore
from tests.fakes.transcode import FakeStore

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from meshkit.db import Database
    from services.transcode.scheduler.ports import Store


@pytest.fixture(params=["fake", "postgres"])
async def store(request: pytest.FixtureRequest, database: Callable[[str], Awaitable[Database]]) -> Store:
    return FakeStore() if request.param == "fake" else PostgresStore(await database("transcode"))
