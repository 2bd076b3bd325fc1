"""The upload service's use cases over fakes, on one clock."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from tests.fakes.upload import FakeObjects, FakeStore


class Clock:
    def __init__(self) -> None:
        self.now = datetime(2026, 1, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store() -> FakeStore:
    return FakeStore()


@pytest.fixture
def objects() -> FakeObjects:
    return FakeObjects()
