"""Clips, and workers that read large sources."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.clips import Clips
from tests.integration.transcode_reading.bench import Bench

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="session")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Clips:
    return Clips(tmp_path_factory.mktemp("clips"))


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path / "scratch")
