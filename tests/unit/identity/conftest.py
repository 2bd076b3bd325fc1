"""A store in memory, and a clock that a test sets."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from tests.fakes.identity import FakePasswords, FakeStore


class Clock:
    def __init__(self) -> None:
        self.now = datetime.now(UTC)

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store() -> FakeStore:
    return FakeStore()


@pytest.fixture
def passwords() -> FakePasswords:
    return FakePasswords()
