"""A small real server of the API for the client to talk to."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import stamina
from reelmesh_client import Client

from tests.fakes.api_server import serving
from tests.fakes.api_state import KEY, PART_SIZE, FakeApi


@pytest.fixture
def api() -> Iterator[FakeApi]:
    with serving(FakeApi()) as running:
        yield running


@pytest.fixture
def client(api: FakeApi) -> Iterator[Client]:
    # As often as ever, but without the pauses.
    with stamina.set_testing(True, attempts=10, cap=True), Client(api.url, KEY) as client:
        yield client


@pytest.fixture
def clip(tmp_path: Path) -> Callable[[int], Path]:
    def of(size: int) -> Path:
        """A file of `size` bytes, no two parts alike."""
        path = tmp_path / "clip.mp4"
        path.write_bytes(b"".join(f"{number:010d}".encode() for number in range(size // 10 + 1))[:size])
        return path

    return of


@pytest.fixture
def three_parts(clip: Callable[[int], Path]) -> Path:
    return clip(2 * PART_SIZE + 500)
