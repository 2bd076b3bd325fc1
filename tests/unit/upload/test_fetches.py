"""Files from URLs, over fakes: begun anew where they broke off, given up when there is no hope."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from meshkit.errors import InvalidArgument, MeshError, Unavailable
from meshkit.ids import new_id
from services.upload.appends import Appends
from services.upload.domain import HELD, STREAMED_PART_SIZE, State, Transport
from services.upload.fetches import ATTEMPTS, Fetches
from services.upload.formats import Policy
from services.upload.ports import Download
from services.upload.service import Uploads
from tests.builders import a_request

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from services.upload.domain import Upload
    from tests.fakes.upload import FakeObjects, FakeStore
    from tests.unit.upload.conftest import Clock

TENANT = new_id()
LIMIT = 2 * STREAMED_PART_SIZE


@dataclass
class FakeWeb:
    """One file; `failures` are met before it, each once."""

    chunks: list[bytes] = field(default_factory=list)
    failures: list[MeshError] = field(default_factory=list)
    size: int | None = None

    async def vet(self, url: str) -> None:
        return

    @asynccontextmanager
    async def get(self, url: str) -> AsyncIterator[Download]:
        if self.failures:
            raise self.failures.pop(0)
        yield Download(size=self.size, chunks=self._each())

    async def _each(self) -> AsyncIterator[bytes]:
        for chunk in self.chunks:
            await asyncio.sleep(0)
            yield chunk


@dataclass
class FakeParts:
    objects: FakeObjects
    store: FakeStore

    async def put_part(self, key: str, multipart_id: str, number: int, chunks: Sequence[bytes]) -> None:
        [upload] = [each for each in self.store.rows.values() if each.multipart_id == multipart_id]
        await self.objects.receive(upload, number, b"".join(chunks))


async def fetched(
    store: FakeStore, objects: FakeObjects, clock: Clock, web: FakeWeb, seconds: float = 60, rounds: int = 1
) -> Upload:
    def policy(_: str) -> Policy:
        return Policy(max_size=LIMIT)

    uploads = Uploads(store, objects, policy, clock)
    appends = Appends(store, objects, policy, clock)
    parts = FakeParts(objects, store)
    fetches = Fetches(store, objects, appends, web, parts, policy, seconds=seconds, now=clock)
    request = a_request(size=None, transport=Transport.FETCHED, source_url="http://example/a.mp4")
    upload, _ = await uploads.create(TENANT, request)
    for _ in range(rounds):
        for taken in await fetches._taken(1):
            await fetches._one(taken)
        clock.now += HELD
    return store.rows[upload.id]


async def test_a_file_comes_in(store: FakeStore, objects: FakeObjects, clock: Clock) -> None:
    upload = await fetched(store, objects, clock, FakeWeb([bytes(STREAMED_PART_SIZE), b"end"]))
    assert (upload.state, upload.size, upload.part_count) == (State.COMPLETED, STREAMED_PART_SIZE + 3, 2)


@pytest.mark.parametrize("failures", [1, ATTEMPTS - 1, ATTEMPTS])
async def test_a_server_that_fails_is_asked_again_but_not_for_ever(
    store: FakeStore, objects: FakeObjects, clock: Clock, failures: int
) -> None:
    web = FakeWeb([b"abc"], [Unavailable("fetch_failed") for _ in range(failures)])
    upload = await fetched(store, objects, clock, web, rounds=ATTEMPTS + 1)
    assert upload.state is (State.COMPLETED if failures < ATTEMPTS else State.FAILED)
    assert upload.error_code == ("" if failures < ATTEMPTS else "fetch_failed")


async def test_what_cannot_help_is_not_tried_again(store: FakeStore, objects: FakeObjects, clock: Clock) -> None:
    web = FakeWeb([b"abc"], [InvalidArgument("url_not_allowed")])
    upload = await fetched(store, objects, clock, web, rounds=2)
    assert (upload.state, upload.error_code, upload.attempts) == (State.FAILED, "url_not_allowed", 1)
    assert not objects.multiparts


@pytest.mark.parametrize("size", [LIMIT + 1, None])
async def test_more_than_the_policy_takes_is_given_up(
    store: FakeStore, objects: FakeObjects, clock: Clock, size: int | None
) -> None:
    web = FakeWeb([bytes(STREAMED_PART_SIZE)] * 3, size=size)
    assert (await fetched(store, objects, clock, web)).error_code == "too_large"


async def test_what_takes_too_long_is_given_up(store: FakeStore, objects: FakeObjects, clock: Clock) -> None:
    assert (await fetched(store, objects, clock, FakeWeb([b"a"] * 50), seconds=0.0)).error_code == "fetch_timeout"
