"""A scheduler over fakes for each test."""

import pytest

from tests.unit.transcode_scheduler.scheduled import Scheduler


@pytest.fixture
def scheduler() -> Scheduler:
    return Scheduler()
