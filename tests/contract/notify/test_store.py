"""The fake store and Postgres keep the same promises."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from meshkit.ids import new_id
from services.notify.store import PostgresStore
from tests.fakes.notify import FakeStore, an_event

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from meshkit.db import Database
    from services.notify.ports import Store


@pytest.fixture(params=["fake", "postgres"])
async def store(request: pytest.FixtureRequest, database: Callable[[str], Awaitable[Database]]) -> Store:
    return FakeStore() if request.param == "fake" else PostgresStore(await database("notify"))


async def test_a_message_is_new_once_to_each_consumer(store: Store) -> None:
    message_id = new_id()
    async with store.transaction() as tx:
        assert await tx.first_time("notify-a", message_id)
        await tx.tell(an_event(new_id()))
    async with store.transaction() as tx:
        assert not await tx.first_time("notify-a", message_id)
        assert await tx.first_time("notify-b", message_id)


async def test_a_transaction_that_failed_saw_nothing(store: Store) -> None:
    message_id = new_id()

    async def fail() -> None:
        async with store.transaction() as tx:
            await tx.first_time("notify-a", message_id)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await fail()
    async with store.transaction() as tx:
        assert await tx.first_time("notify-a", message_id)
