"""The use cases of webhooks over fakes."""

from __future__ import annotations

import pytest

from meshkit.ids import new_id
from services.notify.analyses import Analyses
from services.notify.analysis_hooks import AnalysisHooks
from services.notify.deliveries import Deliveries
from services.notify.service import Events
from services.notify.webhooks import Webhooks
from tests.fakes.analysis import FakeAssets
from tests.fakes.notify import FakeDelivery, FakeFeed, FakeStore, an_event
from tests.fakes.webhooks import Clock, FakeReceivers

TENANT = new_id()


class Mesh:
    """The use cases over one store, and one clock."""

    def __init__(self) -> None:
        self.store, self.receivers, self.clock = FakeStore(), FakeReceivers(), Clock()
        self.webhooks = Webhooks(self.store, self.receivers, self.clock)
        self.assets = FakeAssets()
        self.hooks = AnalysisHooks(self.store, self.receivers, self.clock)
        analyses = Analyses(self.receivers, self.assets, now=self.clock)
        self.deliveries = Deliveries(self.store, self.receivers, analyses, now=self.clock, jitter=lambda: 0.0)
        self.events = Events(self.store, FakeFeed(), now=self.clock)

    async def hears(self, event_type: str = "asset.ready", asset_id: str = "") -> str:
        """The event's id."""
        delivered = FakeDelivery()
        await self.events.take_in(an_event(TENANT, event_type, asset_id=asset_id), delivered)
        return delivered.message_id

    async def attempt_all(self) -> int:
        due = await self.deliveries.claim(100)
        for each in due:
            await self.deliveries.make(each)
        return len(due)


@pytest.fixture
def mesh() -> Mesh:
    return Mesh()
